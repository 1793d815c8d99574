/** Digest and its header grammar: the examples of RFC 7616 3.9, RFC 2617 3.5 and RFC 9110 11.6.1. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseChallenges } from '../../src/http/challenge.ts'
import { bestDigest, digestAuthorization } from '../../src/session/digest.ts'

const EXAMPLE = {
  user: 'Mufasa',
  password: 'Circle of Life',
  method: 'GET',
  target: '/dir/index.html',
  cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
  count: 1,
}
const OFFER =
  'realm="http-auth@example.org", qop="auth, auth-int", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", ' +
  'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
const BOTH = `Digest ${OFFER}, algorithm=SHA-256, Digest ${OFFER}, algorithm=MD5`

const responseOf = (header: string): string | undefined => /response="([0-9a-f]+)"/.exec(header)?.[1]

test('Digest answers the example of RFC 7616 3.9.1 with SHA-256, and with MD5 where only that is offered', () => {
  const challenges = parseChallenges(BOTH)
  const best = bestDigest(challenges)
  assert.equal(best?.['algorithm'], 'SHA-256')
  const header = digestAuthorization({ ...EXAMPLE, parameters: best as Record<string, string> })
  assert.equal(responseOf(header), '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1')
  assert.match(header, /^Digest username="Mufasa", realm="http-auth@example\.org", uri="\/dir\/index\.html", /)
  assert.match(header, /, nc=00000001, cnonce="f2\/wE4q74E6zIJEtWaHKaf5wv\/H5QzzpXusqGemxURZJ", qop=auth, /)
  assert.match(header, /opaque="FQhe\/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"$/)
  const md5 = bestDigest(challenges.slice(1))
  const older = digestAuthorization({ ...EXAMPLE, parameters: md5 as Record<string, string> })
  assert.equal(responseOf(older), '8ca523f5e9506fed4657c9700eebdbec')
})

test('Digest answers the example of RFC 7616 3.9.2: SHA-512-256, a hashed name beyond ASCII', () => {
  const offer =
    'Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, ' +
    'nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", ' +
    'charset=UTF-8, userhash=true'
  const header = digestAuthorization({
    parameters: bestDigest(parseChallenges(offer)) as Record<string, string>,
    user: 'J\u00e4s\u00f8n Doe',
    password: 'Secret, or not?',
    method: 'GET',
    target: '/doe.json',
    cnonce: 'NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v',
    count: 1,
  })
  // The values of erratum 4897: those printed in the RFC are of a draft of that hash.
  assert.equal(
    /username="([0-9a-f]+)"/.exec(header)?.[1],
    '793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b',
  )
  assert.equal(responseOf(header), '3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5')
  assert.match(header, /userhash=true$/)
})

test('Digest signs for servers without qop as RFC 2069 had it, and names beyond ASCII go coded', () => {
  const header = digestAuthorization({
    parameters: { realm: 'testrealm@host.com', nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093' },
    user: 'Mufasa',
    password: 'CircleOfLife',
    method: 'GET',
    target: '/dir/index.html',
    cnonce: 'unused',
    count: 1,
  })
  assert.equal(responseOf(header), '1949323746fe6a43ef61f9606e7febea')
  assert.doesNotMatch(header, /cnonce|qop|nc=/)
  const named = digestAuthorization({ ...EXAMPLE, parameters: { realm: 'r', nonce: 'n' }, user: 'J\u00e4s\u00f8n' })
  assert.match(named, /username\*=UTF-8''J%C3%A4s%C3%B8n,/)
})

test('an offer of Digest that cannot be met is none', () => {
  for (const offer of [
    'Digest realm="a", nonce="b", qop="auth-int"',
    'Digest realm="a", nonce="b", algorithm=TOKEN',
    'Digest realm="a"',
    'Basic realm="a"',
  ]) {
    assert.equal(bestDigest(parseChallenges(offer)), undefined, offer)
  }
})

test('challenges are told apart, with realms that hold spaces, commas and quotes', () => {
  assert.deepEqual(parseChallenges('Basic realm="Squid proxy-caching web server", Bearer'), [
    { scheme: 'basic', parameters: { realm: 'Squid proxy-caching web server' } },
    { scheme: 'bearer', parameters: {} },
  ])
  assert.deepEqual(
    parseChallenges('Newauth realm="apps", type=1,  title="Login to \\"apps\\", now", Basic realm="simple"'),
    [
      { scheme: 'newauth', parameters: { realm: 'apps', type: '1', title: 'Login to "apps", now' } },
      { scheme: 'basic', parameters: { realm: 'simple' } },
    ],
  )
  assert.deepEqual(parseChallenges(''), [])
  assert.deepEqual(parseChallenges(', =, "'), [])
})
