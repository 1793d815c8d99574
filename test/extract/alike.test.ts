import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLikeness } from '../../src/extract/alike.ts'
import { distance, simhashOf } from '../../src/extract/simhash.ts'
import type { Simhash } from '../../src/extract/simhash.ts'
import { random } from '../../src/testing/random.ts'

const dice = random(11)
const WORDS = Array.from({ length: 3000 }, (_, i) => `word${i.toString(36)}`)

function text(words: number): string[] {
  return Array.from({ length: words }, () => dice.pick(WORDS))
}

const page = (words: readonly string[], around = ''): Buffer =>
  Buffer.from(`<html><head><title>t</title></head><body><div>${around}</div><p>${words.join(' ')}</p></body></html>`)

function hashOf(bytes: Uint8Array, isHtml = true): Simhash {
  const hash = simhashOf(bytes, isHtml)
  assert.ok(hash !== undefined)
  return hash
}

test('texts that differ in a word are few bits apart, other texts about half', () => {
  let far = 0
  for (const [length, least] of [
    [600, 60],
    [3000, 92],
  ] as const) {
    let near = 0
    for (let round = 0; round < 100; round++) {
      const words = text(length)
      const changed = words.with(dice.int(0, length - 1), 'another')
      if (distance(hashOf(page(words)), hashOf(page(changed))) <= 3) near++
      far += distance(hashOf(page(words)), hashOf(page(text(length))))
    }
    assert.ok(near >= least, `${near} of 100 texts of ${length} words`)
  }
  assert.ok(far / 200 > 28 && far / 200 < 36, String(far / 200))
})

test('markup, scripts, styles, comments, case and white space are no text', () => {
  const words = text(200)
  const plain = hashOf(Buffer.from(words.join(' ')), false)
  const dressed = Buffer.from(
    `<!doctype html><STYLE>p { color: red }</STYLE><script type="x">if (a < b) words(${words.join()})</script>
<!-- ${words.join(' ')} > --> <p class="many words here">${words.map((word) => word.toUpperCase()).join('</b>\n<b>\t')}</p>`,
  )
  assert.equal(distance(plain, hashOf(dressed)), 0)
})

test('a script without spaces has words too, and a short text has no fingerprint', () => {
  const signs = Array.from({ length: 400 }, () => String.fromCodePoint(dice.int(0x4e00, 0x9fff)))
  const one = hashOf(Buffer.from(signs.join('')), false)
  const other = hashOf(Buffer.from(signs.with(200, '字').join('')), false)
  assert.ok(distance(one, other) <= 10, String(distance(one, other)))
  assert.equal(simhashOf(page(text(20)), true), undefined)
  for (const torn of ['<', '<p', '<!--', '<script>', '<script>x</scr', '</', '<>', '\xff<\xff']) {
    assert.equal(simhashOf(Buffer.from(torn, 'latin1'), true), undefined)
  }
})

test('equal bodies and nearly equal texts are noted with the first page that had them', () => {
  const likeness = createLikeness()
  const words = text(500)
  assert.equal(likeness.note('http://a/1', 'd1', page(words), true), undefined)
  assert.deepEqual(likeness.note('http://a/2', 'd1', page(words), true), { url: 'http://a/1', bits: 0 })
  const near = likeness.note('http://a/3', 'd3', page(words, 'today'), true)
  assert.equal(near?.url, 'http://a/1')
  assert.ok((near?.bits ?? 9) <= 3)
  assert.equal(likeness.note('http://a/1', 'd1', page(words), true), undefined, 'a page is not like itself')
  assert.equal(likeness.note('http://a/4', 'd4', page(text(500)), true), undefined)
  assert.equal(likeness.note('http://a/i.png', 'd5', new Uint8Array(0), false), undefined)
  assert.deepEqual(likeness.note('http://a/j.png', 'd5', new Uint8Array(0), false), { url: 'http://a/i.png', bits: 0 })
})

test('only so many pages are remembered, the oldest are forgotten, and none is taken for another', () => {
  const likeness = createLikeness(100)
  const pages = Array.from({ length: 450 }, () => text(80))
  for (const [i, words] of pages.entries()) {
    assert.equal(likeness.note(`http://a/${i}`, `d${i}`, page(words), true), undefined)
  }
  for (let i = 0; i < 350; i += 50) {
    assert.equal(likeness.note(`http://b/${i}`, `other${i}`, Buffer.alloc(0), true), undefined)
  }
  for (let i = 360; i < 450; i += 10) {
    assert.deepEqual(likeness.note(`http://b/${i}`, `d${i}`, page(pages[i] ?? []), true), {
      url: `http://a/${i}`,
      bits: 0,
    })
    const again = likeness.note(`http://c/${i}`, `x${i}`, page(pages[i] ?? []), true)
    assert.deepEqual(again, { url: `http://a/${i}`, bits: 0 })
  }
  assert.equal(likeness.note('http://b/0', 'd0', page(pages[0] ?? []), true), undefined, 'forgotten')
})
