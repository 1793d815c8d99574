import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRobotsDirectives } from '../../src/robots/meta.ts'

test('robots directives are read in lower case and once each', () => {
  assert.deepEqual(parseRobotsDirectives(' NoIndex, nofollow ,, noindex', 'Sluice'), ['noindex', 'nofollow'])
  assert.deepEqual(parseRobotsDirectives('max-snippet: 20, unavailable_after: 2025-01-01', 'x'), [
    'max-snippet:20',
    'unavailable_after:2025-01-01',
  ])
  assert.deepEqual(parseRobotsDirectives('', 'x'), [])
})

test('directives after an agent hold for that agent alone', () => {
  assert.deepEqual(parseRobotsDirectives('googlebot: noindex, nofollow', 'Sluice'), [])
  assert.deepEqual(parseRobotsDirectives('noai, googlebot: noindex, sluice: nofollow, noarchive', 'Sluice/1.0'), [
    'noai',
    'nofollow',
    'noarchive',
  ])
  assert.deepEqual(parseRobotsDirectives('*: none', 'Sluice'), ['none'])
})
