import { settleAll } from 'sluice'

const urls = ['http://a.test/one', 'http://a.test/missing', 'http://a.test/two']
const list = await settleAll(urls, { delay: 0, resolve: `*=${process.env['ORIGIN']}` })
const nothing = await settleAll([], {})
const shown = list.map((one) => [one.input, one.outcome, one.outcome === 'ok' ? one.value : null])
console.log(JSON.stringify([...shown, nothing], null, 1))
