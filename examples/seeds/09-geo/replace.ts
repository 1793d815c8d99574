/** Twelve pages, one after the other; the file is replaced after the first, and by something unreadable after the sixth. */
import { writeFileSync } from 'node:fs'
import { fetchAll } from 'sluice'
import { writeCountry } from './mmdb.ts'

const urls = Array.from({ length: 12 }, (_, n) => `http://slow.test/${n + 1}`)
const resolve = `*=${process.env['ORIGIN']}`
const countries: string[] = []
for await (const { outcome, record } of fetchAll(urls, { geo: 'country.mmdb', concurrency: 1, delay: 0, resolve })) {
  countries.push(`${outcome} ${record.geo?.country}`)
  if (countries.length === 1) writeCountry('country.mmdb', 'PT')
  if (countries.length === 6) writeFileSync('country.mmdb', 'nothing that anybody could read')
}
console.log(`first ${countries[0]}`)
console.log(`before the file is broken ${countries[5]}`)
console.log(`last ${countries.at(-1)}`)
