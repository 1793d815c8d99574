import { createJob, defineExtractor, fetchAll } from 'sluice'

const [start = ''] = process.argv.slice(2)
const options = { resolve: `*=${process.env['ORIGIN']}`, delay: 0, perHost: 150, retries: 0, timeout: '2s' }

/** Links of the page of categories, made as they are fetched. */
async function* links(): AsyncGenerator<string> {
  for await (const page of fetchAll([start], options)) {
    if (page.outcome !== 'ok') throw new Error(`${start}: ${page.outcome} ${page.record.status}`)
    for (const [, href] of (await page.response.text()).matchAll(/class="seglnk" href='([^']*)'/g)) {
      yield new URL(String(href), start).href
    }
  }
}

const titles = defineExtractor({ extract: (page) => page.$$('.col_titulo a').map((row) => ({ title: row.text() })) })
const { host } = new URL(start)
const job = createJob({
  ...options,
  kind: 'fetch',
  job: host,
  seeds: links(),
  concurrency: 150,
  extract: titles,
  out: [],
})
const counts: Record<string, number> = {}
let settled = 0
job.on('request.settled', ({ outcome, code }) => {
  settled++
  const word = code === undefined ? outcome : `${outcome} ${code}`
  counts[word] = (counts[word] ?? 0) + 1
})
let items = 0
for await (const { title } of job.items<{ title: string }>()) {
  if (items++ === 0) console.log(`first item before the last page: ${settled < 1000}`)
  if (!/^\p{L}+ nº [12] \p{L}+/u.test(title)) console.log(`not read well: ${title}`)
}
await job.close()
console.log(`${settled} outcomes, ${items} items`)
for (const [word, count] of Object.entries(counts).toSorted()) console.log(`${word} ${count}`)
