/** How tables are asked for in an address: `q`, `sort`, `dir`, `offset`, `limit`. */
import type { Context } from 'hono'
import { SluiceError } from '../model/errors.ts'
import type { TableQuery } from './table.ts'

/** @throws SluiceError OPTION_INVALID */
export function tableQuery(context: Context): TableQuery {
  const { q, sort, dir, offset, limit } = context.req.query()
  return {
    search: q ?? '',
    sort,
    descending: dir === 'desc',
    offset: whole(offset, 0, Number.MAX_SAFE_INTEGER),
    limit: whole(limit, 50, 500),
  }
}

function whole(text: string | undefined, fallback: number, most: number): number {
  if (text === undefined) return fallback
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0)
    throw new SluiceError('OPTION_INVALID', `${JSON.stringify(text)} is no whole number`)
  return Math.min(value, most)
}
