/** robots.txt and the scope as JSON: what decided, what it refused, and what it would say of a URL. */
import { Hono } from 'hono'
import type { JobView, OriginRules } from '../job/index.ts'
import { SluiceError } from '../model/errors.ts'
import { bodyOf } from './body.ts'
import { takePage } from './table.ts'
import { tableQuery } from './table-query.ts'

const COLUMNS: Readonly<Record<string, (row: OriginRules) => string | number>> = {
  origin: (row) => row.origin,
  verdict: (row) => row.verdict,
  status: (row) => row.status,
  fetched: (row) => row.fetchedAt,
  size: (row) => row.size,
  refused: (row) => row.refused,
}
/** Patterns of one question. */
const MOST_PATTERNS = 200

export function rulesApi(view: JobView): Hono {
  const api = new Hono()
  const { rules } = view
  api.get('/robots', (context) =>
    context.json({
      seq: view.seq,
      ...takePage(rules.origins(), tableQuery(context), COLUMNS, 'origin', 'verdict', 'cause'),
    }),
  )
  api.get('/robots/file', (context) =>
    context.json({ seq: view.seq, ...rules.file(context.req.query('origin') ?? '') }),
  )
  api.get('/robots/test', (context) => context.json(rules.test(context.req.query('url') ?? '')))
  api.get('/scope', (context) => context.json({ seq: view.seq, rules: rules.scope(), excludes: rules.excludes() }))
  api.post('/scope/preview', async (context) => {
    const patterns = patternsOf((await bodyOf(context))['exclude'])
    // What is counted is of now, not of the last look.
    if (view.isComplete) await view.advance()
    return context.json(await rules.leaving(patterns))
  })
  return api
}

/** @throws SluiceError OPTION_INVALID for what is no list of patterns */
export function patternsOf(value: unknown): string[] {
  if (Array.isArray(value) && value.length <= MOST_PATTERNS && value.every((one) => typeof one === 'string'))
    return value
  throw new SluiceError('OPTION_INVALID', `exclude is no list of at most ${MOST_PATTERNS} patterns`, {
    hint: 'for example ["/private/**", "**.pdf"]',
  })
}
