/** `GET /api/geo/{ip}`: what the operator's files know of an address, as JSON or CSV, so many times an hour for each client. */
import { isIP } from 'node:net'
import type { Context } from 'hono'
import type { GeoFiles } from '../../job/index.ts'
import { csvLine } from '../../job/index.ts'
import type { RateLimit } from './rate.ts'
import { Refusal } from './refusal.ts'

/** @param asked the address, with `.json` or `.csv` behind it or without; '': that of the client */
export function answerGeo(
  context: Context,
  { asked, client, address }: { readonly asked: string; readonly client: string; readonly address: string },
  files: GeoFiles | undefined,
  quota: RateLimit,
  most: number,
): Response {
  if (files === undefined)
    throw new Refusal(404, 'GEO_OFF', 'this service has no file of addresses', { hint: 'sluice serve --geo FILE.mmdb' })
  const wait = quota.take(client)
  context.header('ratelimit-limit', String(most))
  context.header('ratelimit-remaining', String(quota.left(client)))
  context.header('ratelimit-reset', String(quota.reset(client)))
  if (wait > 0) throw new Refusal(429, 'QUOTA_USED', `${most} questions an hour are used up`, { retryAfter: wait })
  const [, name = '', ending = '.json'] = /^(.*?)(\.json|\.csv)?$/.exec(asked) ?? []
  const ip = (name === '' ? address : name).replace(/^::ffff:(?=\d+\.)/i, '')
  if (isIP(ip) === 0)
    throw new Refusal(400, 'OPTION_INVALID', `${JSON.stringify(asked.slice(0, 100))} is no IP address`)
  const found = files.lookup(ip)
  if (found === undefined) throw new Refusal(404, 'ADDRESS_UNKNOWN', `no file knows ${ip}`)
  const { country = null, asn = null, organization = null } = found
  const row = { ip, country, asn, organization }
  if (ending === '.json') return context.json(row)
  return context.body(`${csvLine(Object.keys(row), true)}${csvLine(Object.values(row), true)}`, 200, {
    'content-type': 'text/csv; charset=utf-8',
  })
}
