/** Content-Length as browsers read it: the cases of the web platform tests, over the reader of replies. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Parsed, ReplyParser } from '../../src/fetch/reply-parser.ts'
import { sharedData, skipWithout } from '../shared-data.ts'

const CASES = 'conformance/http-wpt/content-lengths.json'
/** The body of the suite. */
const BODY = 'Fact: this is really forty-two bytes long.'

const skip = skipWithout(CASES)

interface Case {
  readonly input: string
  /** Bytes of the body that are kept; null: a network error. */
  readonly output: number | null
}

/** Bytes that are kept of the body; null where the reply is refused. */
function kept(fields: string): number | null {
  let bytes = 0
  const parser = new ReplyParser({ replyHead() {}, replyData: (chunk) => void (bytes += chunk.length) }, 65_536)
  parser.expect('GET')
  const state = parser.push(Buffer.from(`HTTP/1.1 200 OK\r\n${fields}\r\n\r\n${BODY}`, 'latin1'))
  const end = state === Parsed.more ? parser.close() : state
  return end === Parsed.broken ? null : bytes
}

/** What is no length at all: browsers read until the connection closes, curl refuses, and so do we (ADR 0035, case 16). */
const REFUSED = /aaaah|\d+s$|-1|0x20/
/** Equal as numbers only: browsers refuse, curl reads, and so do we (case 18). */
const READ = /030/

test('lengths of the web platform tests are read as browsers read them, but where curl decides', { skip }, () => {
  assert.equal(BODY.length, 42)
  const cases = JSON.parse(readFileSync(sharedData(CASES)!, 'utf8')) as Case[]
  assert.equal(cases.length, 28)
  for (const { input, output } of cases)
    assert.equal(kept(input), REFUSED.test(input) ? null : READ.test(input) ? 30 : output, input)
})
