/** Feeds, on the 2,091 test files of feedparser: what their headers expect is compared with what `page.feed()` gives. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { gunzipSync } from 'node:zlib'
import type { Feed } from '../../src/extract/feed/feed.ts'
import { parseContentType } from '../../src/http/content-type.ts'
import { sharedData, skipWithout } from '../shared-data.ts'
import { NAMED, subjectOf, valueAt } from './feedparser-view.ts'
import { checksOf } from './python-expectation.ts'
import type { Check } from './python-expectation.ts'
import { pageOf } from './setup.ts'

const DATA = 'conformance/feeds-feedparser'

interface Case {
  readonly file: string
  readonly expect: string
  /** Lines of the response head. */
  readonly header: readonly string[]
  readonly body_b64: string
}

function casesOf(): Case[] {
  const path = join(sharedData(DATA)!, 'cases.json.gz')
  return JSON.parse(gunzipSync(readFileSync(path)).toString()) as Case[]
}

/** As the server of feedparser's tests sends the file. */
function feedOf({ file, header, body_b64: body }: Case): Feed | undefined {
  const rawHeaders = header.flatMap((line) => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon), line.slice(colon + 1).trim()]
  })
  const type = rawHeaders.findIndex((name) => name.toLowerCase() === 'content-type')
  const { essence, charset } = parseContentType(type < 0 ? 'application/xml' : rawHeaders[type + 1])
  const url = `http://127.0.0.1:8097/tests/${file}`
  const more = { rawHeaders, contentType: essence, charset, url, final: url }
  return pageOf(Buffer.from(body, 'base64'), more).page.feed()
}

/** What does not hold; undefined where nothing that is asked for is compared. */
function failures(each: Case): Check[] | undefined {
  const feed = feedOf(each)
  const checks = checksOf(each.expect)
  if (checks?.some((check) => NAMED.has(subjectOf(check))) !== true) return undefined
  return checks.filter(
    (check) => !isDeepStrictEqual((feed === undefined ? undefined : valueAt(feed, check)) ?? null, check.value),
  )
}

test("feedparser's comparisons of title, link, id, date and summary hold but for the listed ones", {
  skip: skipWithout(DATA),
}, () => {
  const list = readFileSync(new URL('feedparser-deviations.txt', import.meta.url), 'utf8')
  const listed = list.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  const cases = casesOf()
  assert.equal(cases.length, 2091)
  let compared = 0
  const failed: string[] = []
  for (const each of cases) {
    const wrong = failures(each)
    if (wrong === undefined) continue
    compared++
    if (wrong.length > 0) failed.push(each.file)
  }
  assert.ok(compared > 1300, `${compared} cases compared`)
  // A case that holds now leaves the list, so that it stays so.
  assert.deepEqual(failed.sort(), listed.sort())
  assert.ok(failed.length <= compared * 0.05, `${failed.length} of ${compared} differ`)
})

test('a torn feed gives what was before the tear, and never throws', { skip: skipWithout(DATA) }, () => {
  for (const each of casesOf().filter((_, i) => i % 7 === 0)) {
    const body = Buffer.from(each.body_b64, 'base64')
    for (const share of [0.3, 0.6, 0.9]) {
      feedOf({ ...each, body_b64: body.subarray(0, Math.floor(body.length * share)).toString('base64') })
    }
  }
})
