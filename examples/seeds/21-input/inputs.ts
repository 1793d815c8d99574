import { settleAll } from 'sluice'

const urls = ['http://a.test/moved', 'http://a.test/status/404', 'not a url']
const list = await settleAll(urls, { delay: 0, resolve: `*=${process.env['ORIGIN']}` })
console.log(JSON.stringify(list.map(({ input, outcome }) => [input, outcome])))
