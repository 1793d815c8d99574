/** Cookies as user agents keep them: the parser cases of the IETF's http-state tests, at a day of their time. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Jar } from '../../src/session/jar.ts'
import { fakeClock } from '../../src/testing/clock.ts'
import { sharedData, skipWithout } from '../shared-data.ts'

const CASES = 'conformance/cookies-http-state/parser.json'
const FEWEST = 215

interface Case {
  readonly test: string
  readonly received: readonly string[]
  readonly sent: readonly { readonly name: string; readonly value: string }[]
  readonly 'sent-to'?: string
}

test("at least 215 of the 222 cookie cases of the IETF's http-state tests come out alike", {
  skip: skipWithout(CASES),
}, () => {
  const cases = JSON.parse(readFileSync(sharedData(CASES)!, 'utf8')) as Case[]
  assert.equal(cases.length, 222)
  const other: string[] = []
  for (const one of cases) {
    const jar = new Jar(fakeClock({ wall: Date.UTC(2010, 4, 1) }))
    const name = one.test.toLowerCase()
    const from = `http://home.example.org:8888/cookie-parser?${name}`
    jar.take(from, one.received)
    const to = new URL(one['sent-to'] ?? `/cookie-parser-result?${name}`, from).href
    const should = one.sent
      .map((cookie) => (cookie.name === '' ? cookie.value : `${cookie.name}=${cookie.value}`))
      .join('; ')
    const is = jar.header(to) ?? ''
    // Header bytes arrive as latin1; the suite writes what they mean.
    if (is !== should && Buffer.from(is, 'latin1').toString() !== should)
      other.push(`${one.test}: ${JSON.stringify(one.received)} -> ${is} not ${should}`)
  }
  assert.ok(
    cases.length - other.length >= FEWEST,
    `${cases.length - other.length} of ${cases.length}\n${other.join('\n')}`,
  )
})
