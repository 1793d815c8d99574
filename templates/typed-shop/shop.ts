// Run it with: sluice run shop.ts. Stop it as you like; the same line goes on.
import { defineConfig } from 'sluice'

export default defineConfig({
  seeds: 'https://your.site/',
  scope: 'host',
  extract: 'product.ts',
  out: ['items.ndjson', 'items.sqlite'],
  failIf: 'failed > 1%',
})
