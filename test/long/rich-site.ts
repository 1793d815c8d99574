/** A site of pages as heavy as real ones: menus, tables, scripts; most of 20 to 60 kB, some of 600 kB. */
import type { Content } from '../../src/testing/origin/content.ts'
import { htmlPage, prepare } from '../../src/testing/origin/reply.ts'
import { random } from '../../src/testing/random.ts'

export interface RichSite extends Content {
  /** Of all pages answered so far. */
  readonly bytes: number
}

/** One of so many pages is a long one. */
const LONG_EVERY = 50
const WORDS = 'water gate gravel gold river mill stone wheel slow fast deep shallow bank flood wash sand'.split(' ')

/** Pages /p/0 to /p/N-1; /p/0 leads to all of them. */
export function richSite(pages: number): RichSite {
  let bytes = 0
  return {
    get bytes() {
      return bytes
    },
    respond({ target }) {
      const n = Number(/^\/p\/(\d+)$/.exec(target)?.[1] ?? pages)
      if (n >= pages) return undefined
      const body = htmlPage(`Page ${n}`, pageOf(n, pages))
      bytes += body.length
      return prepare({ body })
    },
  }
}

function pageOf(n: number, pages: number): string {
  const dice = random(n)
  const words = (count: number): string => Array.from({ length: count }, () => WORDS[dice.int(0, 15)]).join(' ')
  let text = '<nav><ul>'
  for (let to = n * 10 + 1; to <= n * 10 + 10 && to < pages; to++)
    text += `<li class="entry level-${to % 3}"><a href="/p/${to}" title="${words(3)}">${words(4)}</a></li>\n`
  for (let i = 0; i < 50; i++)
    text += `<li class="entry"><a href="/p/${dice.int(0, pages - 1)}#part-${i}">${words(3)}</a></li>\n`
  text += `</ul></nav><script>${'var x = 1;\n'.repeat(100)}</script><h1>${words(5)}</h1>`
  const rows = n % LONG_EVERY === LONG_EVERY - 1 ? 2500 : dice.int(60, 200)
  text += '<table class="data"><tbody>'
  for (let row = 0; row < rows; row++) {
    text += `<tr id="r${row}"><td class="name"><code>${words(1)}</code></td><td>${dice.int(0, 1e6)}</td>`
    text += `<td><p>${words(12)} <b>${words(2)}</b></p></td><td>${words(6)}</td></tr>\n`
  }
  return `${text}</tbody></table>`
}
