import { settleAll } from 'sluice'

const urls = ['http://a.test/one', 'http://a.test/missing', 'http://a.test/two']
const list = await settleAll(urls, { delay: 0, resolve: `*=${process.env['ORIGIN']}` })
for (const one of list) {
  // @ts-expect-error: a failed page has no value, and the compiler knows
  if (one.outcome === 'failed') console.log(one.value.length)
  console.log(
    one.outcome === 'ok' ? `${one.input} has ${one.value.length} characters` : `${one.input} is ${one.outcome}`,
  )
}
