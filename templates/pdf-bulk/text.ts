// The text of each page as an item: npm install unpdf, then sluice run text.ts.
import { defineConfig } from 'sluice'

export default defineConfig({ lists: 'urls.txt', job: 'text', text: true, out: 'text.ndjson' })
