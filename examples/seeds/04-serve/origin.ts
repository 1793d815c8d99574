import { startOrigin } from 'sluice/testing'
import type { Ledger, OriginOptions } from 'sluice/testing'

const site: OriginOptions = {
  sites: {
    'shop.test': {
      pages: {
        '/': '<title>Shop</title><a href="/one">one</a> <a href="/two">two</a>',
        '/one': '<title>Lamp &lt;script&gt;alert(1)&lt;/script&gt;</title>',
        '/two': '<title>Chair</title>',
      },
    },
  },
}
export default site
export const ledger = (seen: Ledger): unknown => Object.fromEntries(seen.paths())

if (import.meta.main) console.log(`export ORIGIN=127.0.0.1:${(await startOrigin(site)).port}`)
