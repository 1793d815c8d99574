import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createDigest, createFingerprint, hexOf } from '../../src/url/fingerprint.ts'

test('the digest is xxh64 as published', async () => {
  const { digest, start } = await createDigest()
  assert.equal(digest(new Uint8Array()), 'xxh64:ef46db3751d8e999')
  assert.equal(digest(new TextEncoder().encode('abc')), 'xxh64:44bc2cf5ad770999')
  assert.equal(start().end(), 'xxh64:ef46db3751d8e999')
})

test('a digest in pieces is the digest of the whole, also while others run', async () => {
  const { digest, start } = await createDigest()
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 }), (chunks) => {
      const one = start()
      const other = start()
      for (const chunk of chunks) {
        one.update(chunk)
        other.update(chunk.toReversed())
      }
      assert.equal(one.end(), digest(Buffer.concat(chunks)))
      assert.equal(other.end(), digest(Buffer.concat(chunks.map((chunk) => chunk.toReversed()))))
    }),
  )
})

test('a body larger than one slice has the same digest in any pieces', async () => {
  const { digest, start } = await createDigest()
  const body = new Uint8Array(5_000_001).map((_, i) => i * 31)
  const whole = start()
  whole.update(body)
  const pieces = start()
  for (let at = 0; at < body.length; at += 65_536) pieces.update(body.subarray(at, at + 65_536))
  assert.equal(whole.end(), digest(body))
  assert.equal(pieces.end(), digest(body))
})

test('fingerprints follow the seed and are unsigned', async () => {
  const one = await createFingerprint(1n)
  const same = await createFingerprint(1n)
  const other = await createFingerprint(-1n)
  const urls = Array.from({ length: 1000 }, (_, i) => `http://a.org/${i}`)
  for (const url of urls) {
    const fp = one.of(url)
    assert.ok(fp >= 0n && fp < 1n << 64n)
    assert.equal(same.of(url), fp)
    assert.notEqual(other.of(url), fp)
    assert.match(hexOf(fp), /^[0-9a-f]{16}$/)
  }
  assert.ok(urls.some((url) => one.of(url) >= 1n << 63n))
  assert.equal(hexOf(10n), '000000000000000a')
})

test('hops, inputs, gates and URLs never share a fingerprint', async () => {
  const { of, ofHop, ofInput, ofGate } = await createFingerprint(7n)
  const root = of('http://a.org/')
  const all = [root, ofGate('http://a.org'), of('http://a.org'), ofInput('a', 11), ofInput('1\0a', 1), ofInput('a', 1)]
  for (let hop = 1; hop <= 20; hop++) all.push(ofHop(root, hop), ofHop(of('http://b.org/'), hop), ofInput('list', hop))
  assert.equal(new Set(all).size, all.length)
})
