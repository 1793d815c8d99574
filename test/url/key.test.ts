import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalize } from '../../src/url/canonicalize.ts'
import { hostOf, keyOf, originOf, registrableDomain } from '../../src/url/key.ts'
import { sharedData, skipWithout } from '../shared-data.ts'

test('host and origin cut from a canonical URL are those of the parser', () => {
  const hosts = fc.constantFrom('a.org', 'A.b.c', '[::1]', '[2001:db8::1]', '127.0.0.1', 'localhost', 'a_b.x')
  const users = fc.constantFrom('', 'u@', 'u:p@', 'u%40x:p%3A@', ':p@', 'a@b@')
  const ports = fc.constantFrom('', ':81', ':443', ':80')
  const tails = fc.constantFrom('', '/', '/a:b@c', '?x=http://u@v:1/', '/[x]@:')
  fc.assert(
    fc.property(fc.constantFrom('http', 'https'), users, hosts, ports, tails, (scheme, user, host, port, tail) => {
      const result = canonicalize(`${scheme}://${user}${host}${port}${tail}`)
      assert.ok(result.ok)
      const url = new URL(result.url)
      assert.equal(hostOf(result.url), url.hostname)
      assert.equal(originOf(result.url), url.origin)
      assert.equal(keyOf(result.url, 'host'), url.hostname)
    }),
  )
})

test('the registrable domain counts private suffixes and leaves addresses and single names alone', () => {
  const cases: [string, string][] = [
    ['www.example.com', 'example.com'],
    ['a.b.example.co.uk', 'example.co.uk'],
    ['me.github.io', 'me.github.io'],
    ['deep.me.github.io', 'me.github.io'],
    ['github.io', 'github.io'],
    ['com', 'com'],
    ['localhost', 'localhost'],
    ['127.0.0.1', '127.0.0.1'],
    ['[::1]', '[::1]'],
    ['[2001:db8::ffff:1]', '[2001:db8::ffff:1]'],
    ['a_b.example.com', 'example.com'],
    ['www.xn--mnchen-3ya.de', 'xn--mnchen-3ya.de'],
    ['x.unknown-suffix', 'x.unknown-suffix'],
  ]
  for (const [host, domain] of [...cases, ...cases]) assert.equal(registrableDomain(host), domain)
  assert.equal(keyOf('https://shop.example.com:8443/x', 'domain'), 'example.com')
})

test('the registrable domain stays right when the cache has turned over', () => {
  for (let i = 0; i < 40_000; i++) assert.equal(registrableDomain(`www.site${i}.org`), `site${i}.org`)
  assert.equal(registrableDomain('www.site1.org'), 'site1.org')
})

test('the registrable domains of the Public Suffix List tests are found', {
  skip: skipWithout('conformance/psl/cases.json'),
}, () => {
  const path = sharedData('conformance/psl/cases.json')!
  const cases = JSON.parse(readFileSync(path, 'utf8')) as { host: string | null; registrable: string | null }[]
  let checked = 0
  for (const { host, registrable } of cases) {
    const url = host === null || host.startsWith('.') ? undefined : canonicalize(`http://${host}/`)
    if (url === undefined || !url.ok) continue
    const expected = registrable === null ? hostOf(url.url) : new URL(`http://${registrable}/`).hostname
    assert.equal(keyOf(url.url, 'domain'), expected, host!)
    checked++
  }
  assert.ok(checked > 60, `${checked} checked`)
})
