import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAX_HOPS, resolveRedirect } from '../../src/policy/redirect.ts'

const at = 'https://a.test/dir/page'

test('a Location is resolved as browsers do', () => {
  assert.deepEqual(resolveRedirect(at, ['other'], []), { to: 'https://a.test/dir/other' })
  assert.deepEqual(resolveRedirect(at, ['//b.test/x#frag'], []), { to: 'https://b.test/x' })
  assert.deepEqual(resolveRedirect(at, [' /sp ace '], []), { to: 'https://a.test/sp%20ace' })
})

test('raw UTF-8 in a Location is read as UTF-8', () => {
  const latin1 = Buffer.from('/caf\u00e9', 'utf8').toString('latin1')
  assert.deepEqual(resolveRedirect(at, [latin1], []), { to: 'https://a.test/caf%C3%A9' })
})

test('a redirect back into its chain is a loop, and a long chain ends', () => {
  assert.equal((resolveRedirect(at, [at], []) as { code: string }).code, 'REDIRECT_LOOP')
  assert.equal((resolveRedirect(at, ['/first'], ['https://a.test/first']) as { code: string }).code, 'REDIRECT_LOOP')
  const chain = Array.from({ length: MAX_HOPS }, (_, i) => `https://a.test/${i}`)
  assert.equal((resolveRedirect(at, ['/next'], chain) as { code: string }).code, 'TOO_MANY_REDIRECTS')
})

test('a Location that leads nowhere safe is refused', () => {
  for (const location of [
    'file:///etc/passwd',
    'data:text/html,x',
    'javascript:alert(1)',
    'ftp://a.test/',
    'http://',
    '',
  ]) {
    assert.equal((resolveRedirect(at, [location], []) as { code: string }).code, 'BAD_REDIRECT', location)
  }
})

test('two different Locations are refused, two equal ones are one', () => {
  assert.equal((resolveRedirect(at, ['/a', '/b'], []) as { code: string }).code, 'BAD_REDIRECT')
  assert.deepEqual(resolveRedirect(at, ['/a', '/a'], []), { to: 'https://a.test/a' })
})
