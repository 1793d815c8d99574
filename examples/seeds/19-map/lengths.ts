import { mapUrls } from 'sluice'

const urls = ['http://a.test/slow', 'http://a.test/quick']
const options = { delay: 0, perHost: 2, resolve: `*=${process.env['ORIGIN']}` }
const pages = await mapUrls(urls, async (page) => (await page.response.text()).length, options)
console.log(JSON.stringify(pages.map((page) => (page.outcome === 'ok' ? page.value : page.outcome))))
