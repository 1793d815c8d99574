import { mapUrls } from 'sluice'
import type { AnsweredPage } from 'sluice'

async function summary(page: AnsweredPage): Promise<{ length: number; head: string }> {
  const text = await page.response.text()
  return { length: text.length, head: text.slice(0, 12) }
}

const urls = ['http://a.test/one', 'http://a.test/status/410', 'http://a.test/two', 'no URL at all']
const pages = await mapUrls(urls, summary, { delay: 0, resolve: `*=${process.env['ORIGIN']}` })
for (const page of pages) {
  const { input, outcome } = page
  console.log(JSON.stringify(page.outcome === 'ok' ? { input, outcome, ...page.value } : { input, outcome }))
}
