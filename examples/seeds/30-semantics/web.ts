/** What the tests of Twisted's `getPage` were about. */
import { settleAll } from 'sluice'

const paths = ['/page', '/partial/100', '/hang', '/hang-in-body', '/loop', '/redirect/30', '/redirect/3', '/length/-1']
const options = { resolve: `*=${process.env['ORIGIN']}`, delay: 0, perHost: 8, retries: 0, timeout: '400ms' }
const list = await settleAll(
  [...paths.map((path) => `http://a.test${path}`), 'http://a.test:8080/page', 'http://127.0.0.1:8080/page'],
  options,
)
for (const one of list) {
  const error = one.outcome === 'failed' || one.outcome === 'skipped' ? ` ${one.error.code}` : ''
  console.log(`${one.input.replace('http://', '')}: ${one.outcome}${error}`)
}
