import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SluiceError } from '../../src/model/errors.ts'
import { expandRange, hasRange } from '../../src/url/range.ts'

function all(text: string): string[] {
  const range = expandRange(text)
  return Array.from({ length: range.total }, (_, i) => range.at(i))
}

test('ranges are written as in curl, both ends included', () => {
  assert.deepEqual(all('x/{a,bc,}.pdf'), ['x/a.pdf', 'x/bc.pdf', 'x/.pdf'])
  assert.deepEqual(all('[8-11]'), ['8', '9', '10', '11'])
  assert.deepEqual(all('[008-011]'), ['008', '009', '010', '011'])
  assert.deepEqual(all('[2-9:3]'), ['2', '5', '8'])
  assert.deepEqual(all('[a-c]'), ['a', 'b', 'c'])
  assert.deepEqual(all('[A-E:2]'), ['A', 'C', 'E'])
  assert.deepEqual(all('[5-5]'), ['5'])
  const pages = expandRange('http://a.org/p[2000-61000:1000].html')
  assert.equal(pages.total, 60)
  assert.equal(pages.at(59), 'http://a.org/p61000.html')
})

test('of several ranges the last varies fastest', () => {
  assert.deepEqual(all('{a,b}[1-2]{x,y}'), ['a1x', 'a1y', 'a2x', 'a2y', 'b1x', 'b1y', 'b2x', 'b2y'])
})

test('members are computed, not stored', () => {
  const range = expandRange('http://a.org/[1-1000000]/[1-1000000]')
  assert.equal(range.total, 1e12)
  assert.equal(range.at(1e12 - 1), 'http://a.org/1000000/1000000')
  assert.equal(range.at(1_000_000), 'http://a.org/2/1')
  assert.throws(() => range.at(1e12), RangeError)
  assert.throws(() => range.at(-1), RangeError)
})

test('brackets that are no range are plain', () => {
  for (const text of [
    'http://[::1]/',
    'http://[2001:db8::1]:80/x',
    'x?a[]=1',
    'x?a[0]=1',
    'a[b',
    'x[created-at]=1',
    '',
    '}',
  ]) {
    assert.equal(hasRange(text), false, text)
    assert.deepEqual(all(text), [text])
  }
  assert.deepEqual(all('http://[::1]:80/[1-2]'), ['http://[::1]:80/1', 'http://[::1]:80/2'])
  assert.deepEqual(all('x\\[1-2\\]\\{a\\}'), ['x[1-2]{a}'])
})

test('a malformed range is refused with a hint', () => {
  for (const text of [
    '{a',
    '{}',
    '{a{b}}',
    '[2-1]',
    '[b-a]',
    '[1-]',
    '[1-9:]',
    '[1-9:0]',
    '[1-9:x]',
    '[A-z]',
    '[1-a]',
  ]) {
    assert.equal(hasRange(text), true, text)
    assert.throws(
      () => expandRange(text),
      (error) => error instanceof SluiceError && error.code === 'OPTION_INVALID' && error.hint !== undefined,
      text,
    )
  }
  assert.throws(() => expandRange('[1-9007199254740991][1-2]'), SluiceError)
  assert.throws(() => expandRange(`[1-${'9'.repeat(400)}]`), SluiceError)
})

test('a range has as many different members as it says', () => {
  const part = fc.constantFrom('[1-7]', '[10-50:7]', '{a,b,c}', '[x-z]', '-', 'q')
  fc.assert(
    fc.property(fc.array(part, { maxLength: 4 }), (parts) => {
      const members = all(parts.join('/'))
      assert.equal(new Set(members).size, members.length)
    }),
  )
})
