/** The same in a program: values are bound, rows are objects, a million of them pass through a small heap. */
import { createJob } from 'sluice'

const job = createJob({ kind: 'crawl', job: 'shop', seeds: ['http://shop.test/'] })

for await (const { id, name } of job.query<{ id: number; name: string }>('select id, name from items where name = ?', [
  "Robert'); DROP TABLE items; --",
]))
  console.log(`found ${id}: ${name}`)

const doubled = job.query('select 1 as id, 2 as id')
console.log(await doubled.next().catch((error: Error) => `refused: ${error.message}`))

for await (const row of job.query('select 1 as id, 2 as id', [], { duplicates: 'number' })) console.log(row)

let rows = 0
for await (const _ of job.query('select 1 where 0')) rows++
console.log(`a statement without rows: ${rows}`)

let sum = 0
const million = 'with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000000) select i from n'
for await (const { i } of job.query<{ i: number }>(million)) sum += i
console.log(`a million rows: ${sum}`)
await job.close()
