// The items are typed wherever they are used. Run it after a crawl with: node cheapest.ts
import { readFileSync } from 'node:fs'
import type { Product } from './product.ts'

const lines = readFileSync('items.ndjson', 'utf8').trimEnd().split('\n')
const products = lines.map((line) => JSON.parse(line) as Product)
const offers = products.filter((product) => product.available).toSorted((a, b) => a.price - b.price)
for (const { title, price, currency } of offers.slice(0, 10)) console.log(`${price.toFixed(2)} ${currency}  ${title}`)
