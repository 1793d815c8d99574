import { startOrigin } from 'sluice/testing'
import type { Ledger, OriginOptions } from 'sluice/testing'

/** `/login`, `/token`, `/_ah/login`, `/private/…` and `/redirect-to` are there without being said, on every host. */
const site: OriginOptions = {}
export default site

/** Times that somebody logged in, pages that were answered, and what went along to a host that is not the login's. */
export const ledger = (seen: Ledger): unknown => {
  const arrivals = [...seen.arrivals()]
  const count = (host: string, method: string, start: string): number =>
    arrivals.filter((one) => one.host === host && one.method === method && one.path.startsWith(start)).length
  return {
    form: count('members.test', 'POST', '/login'),
    token: count('app.test', 'POST', '/token'),
    cookie: count('app.test', 'GET', '/_ah/login'),
    wrong: count('wrong.test', 'POST', '/login'),
    withoutLogin: count('wrong.test', 'GET', '/private'),
    home: arrivals.some((one) => one.path.startsWith('/redirect-to') && one.headers['cookie']?.includes('session=')),
    elsewhere: arrivals
      .filter(({ host, path }) => host === 'other.test' && path === '/echo')
      .map(({ headers }) => headers['cookie'] ?? headers['authorization'] ?? 'neither cookie nor Authorization'),
  }
}

if (import.meta.main) console.log(`export ORIGIN=127.0.0.1:${(await startOrigin(site)).port}`)
