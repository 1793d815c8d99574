import { settleAll } from 'sluice'

// A label has 63 characters at most: no resolver knows this name, and none has to be asked.
const nowhere = `http://${'no'.repeat(40)}.test/`
const urls = ['http://a.test/one', 'http://a.test/two', 'http://a.test/status/404', nowhere]
const started = performance.now()
const list = await settleAll(urls, { timeout: '5s', retries: 0, delay: 0, resolve: `a.test=${process.env['ORIGIN']}` })
for (const one of list) {
  switch (one.outcome) {
    case 'ok':
      console.log(`ok ${one.value}`)
      break
    case 'failed':
    case 'skipped':
      console.log(`${one.outcome} ${one.error.code}`)
      break
    default:
      console.log(`${one.outcome} ${one.page.response.status}`)
  }
}
console.error(`${Math.round(performance.now() - started)} ms`)
