import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SluiceError } from '../../src/model/errors.ts'
import { compileGlob } from '../../src/url/glob.ts'
import { compilePatterns } from '../../src/url/pattern.ts'

function matches(pattern: string | RegExp, url: string): boolean {
  return compilePatterns([pattern]).match(url) !== undefined
}

test('a glob covers path, host or whole URL by how it begins', () => {
  const yes: [string, string][] = [
    ['/blog/**', 'http://a.org/blog/2024/x?y'],
    ['/blog/*', 'http://a.org/blog/x'],
    ['/search?q=*', 'http://a.org/search?q=1'],
    ['example.com', 'https://example.com/any/thing?q'],
    ['Example.COM', 'https://example.com/'],
    ['*.example.com', 'https://www.example.com/x'],
    ['example.com/docs/**', 'http://u:p@example.com/docs/a/b'],
    ['localhost:8080', 'http://localhost:8080/x'],
    ['**.pdf', 'http://a.org/x/y.pdf'],
    ['http*://a.org/*', 'https://a.org/x'],
    ['https://a.org/**', 'https://a.org/x/y'],
    ['/café/**', 'http://a.org/caf%C3%A9/x'],
    ['/%c3%a9', 'http://a.org/%C3%A9'],
    ['münchen.de', 'http://xn--mnchen-3ya.de/x'],
    ['/en/us', 'http://a.org/en/us'],
    ['**', 'http://a.org/'],
  ]
  const no: [string, string][] = [
    ['/blog/*', 'http://a.org/blog/x/y'],
    ['/blog/**', 'http://a.org/en/blog/x'],
    ['/blog/**', 'http://a.org/Blog/x'],
    ['example.com', 'https://www.example.com/'],
    ['example.com', 'https://example.com:8080/'],
    ['example.com', 'https://a.org/example.com/'],
    ['*.example.com', 'https://example.com/'],
    ['*.example.com', 'http://a.org/b.example.com/'],
    ['https://a.org/**', 'http://a.org/x'],
    ['**.pdf', 'http://a.org/y.pdf?x'],
    ['/en/us', 'http://a.org/men/us'],
  ]
  for (const [pattern, url] of yes) assert.ok(matches(pattern, url), `${pattern} covers ${url}`)
  for (const [pattern, url] of no) assert.ok(!matches(pattern, url), `${pattern} does not cover ${url}`)
})

test('a regular expression is tested on the whole URL, again and again', () => {
  assert.ok(matches('/logout/', 'http://a.org/x/logout?y'))
  assert.ok(matches('/LOGOUT/i', 'http://a.org/logout'))
  assert.ok(matches('/^https:.*[.](?:jpg|png)$/s', 'https://a.org/x.jpg'))
  assert.ok(matches('/a\\/b[/]c/', 'http://a.org/a/b/c'))
  const sticky = compilePatterns([/a\.org/gy, /\.pdf$/g])
  for (let i = 0; i < 3; i++) assert.equal(sticky.match('http://b.org/x.pdf'), '/\\.pdf$/g')
})

test('the first pattern that matches is named as it was written', () => {
  const { match } = compilePatterns(['/b/**', /\/a\//, '/a/**'])
  assert.equal(match('http://x.org/a/1'), '/\\/a\\//')
  assert.equal(match('http://x.org/b/1'), '/b/**')
  assert.equal(match('http://x.org/c'), undefined)
  assert.equal(compilePatterns([]).match('http://x.org/'), undefined)
})

test('a broken pattern is refused with a hint', () => {
  for (const pattern of ['/(/', '/[z-a]/', '', ' ']) {
    assert.throws(
      () => compilePatterns([pattern]),
      (error) => error instanceof SluiceError && error.code === 'OPTION_INVALID' && error.hint !== undefined,
    )
  }
})

test('globs agree with their regular expressions', () => {
  const glob = fc
    .array(fc.constantFrom('a', 'b', '/', '.', '?', '*', '**', '***'), { maxLength: 9 })
    .map((p) => p.join(''))
  const subject = fc.string({ unit: fc.constantFrom('a', 'b', '/', '.'), maxLength: 12 })
  fc.assert(
    fc.property(glob, fc.array(subject, { maxLength: 20 }), (pattern, subjects) => {
      const expression = pattern.replace(/\*\*+|[*?.]/g, (t) =>
        t === '.' ? '\\.' : t === '?' ? '.' : t === '*' ? '[^/]*' : '.*',
      )
      const oracle = new RegExp(`^${expression}$`)
      const test = compileGlob(pattern)
      for (const text of subjects) assert.equal(test(text), oracle.test(text), `${pattern} on ${text}`)
    }),
    { numRuns: 2000 },
  )
})

test('a glob made to backtrack is answered at once', () => {
  const test = compileGlob(`${'**a*'.repeat(20)}b?`)
  assert.equal(test('a'.repeat(8000)), false)
  assert.equal(test(`${'a'.repeat(8000)}bb`), true)
})
