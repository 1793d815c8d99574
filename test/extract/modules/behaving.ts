/** An extractor that does what the path of its page says, good and bad. */
import { defineExtractor } from 'sluice'

const kept: unknown[] = []

export default defineExtractor({
  *extract(page) {
    const { pathname } = new URL(page.url)
    if (pathname.startsWith('/throw')) throw new Error(`thrown for ${pathname}`)
    if (pathname.startsWith('/loop')) for (;;);
    if (pathname.startsWith('/memory')) for (;;) kept.push(Array.from({ length: 10_000 }, (_, i) => ({ i })))
    if (pathname.startsWith('/buffers')) for (;;) kept.push(Buffer.alloc(1_000_000, 1))
    if (pathname.startsWith('/exit')) process.exit(7)
    if (pathname.startsWith('/async')) void Promise.reject(new Error('nobody waits for this'))
    if (pathname.startsWith('/later')) {
      setImmediate(() => {
        for (;;);
      })
    }
    if (pathname.startsWith('/print')) console.log('printed by an extractor')
    if (pathname.startsWith('/many')) for (let n = 0; n < 20_000; n++) yield { n, text: 'x'.repeat(100) }
    yield { path: pathname, length: page.text().length }
  },
})
