import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SluiceError } from '../../src/model/errors.ts'
import { changedOptions, resolveOptions, storedOptions } from '../../src/job/options.ts'

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof SluiceError) return `${error.code}: ${error.hint ?? ''}`
    throw error
  }
  return 'no error'
}

test('a stronger layer wins and the origin of each value is known', () => {
  const options = resolveOptions([
    { origin: 'sluice.config.ts', values: { delay: '5s', depth: 3 } },
    { origin: 'SLUICE_DELAY', values: { delay: '2' } },
    { origin: 'flag', values: { delay: '250ms' } },
  ])
  assert.equal(options.get('delay'), 250)
  assert.equal(options.origins.delay, 'flag')
  assert.equal(options.origins.depth, 'sluice.config.ts')
  assert.equal(options.get('retries'), 3)
  assert.equal(options.given('retries'), false)
})

test('an unknown option is refused and the nearest one is named', () => {
  assert.match(
    codeOf(() => resolveOptions([{ origin: 'options', values: { perhost: 2 } }])),
    /^OPTION_UNKNOWN: did you mean perHost\?/,
  )
})

test('a bad value is refused before anything is opened', () => {
  assert.match(
    codeOf(() => resolveOptions([{ origin: 'flag', values: { delay: 'soon' } }])),
    /^OPTION_INVALID/,
  )
  assert.match(
    codeOf(() => resolveOptions([{ origin: 'flag', values: { perHost: 0 } }])),
    /^OPTION_INVALID/,
  )
  assert.match(
    codeOf(() => resolveOptions([{ origin: 'flag', values: { robots: 'ignore' } }])),
    /--reason/,
  )
  assert.match(
    codeOf(() => resolveOptions([{ origin: 'flag', values: { hosts: { 'a.test': { dely: 1 } } } }])),
    /delay/,
  )
})

test('durations, sizes and rates are read in their units', () => {
  const options = resolveOptions([
    { origin: 'flag', values: { delay: '1.5s', maxTime: '2h', maxSize: '10MB', rate: '300/m', bandwidth: '2MB/s' } },
  ])
  assert.equal(options.get('delay'), 1500)
  assert.equal(options.get('maxTime'), 7_200_000)
  assert.equal(options.get('maxSize'), 10 * 1024 * 1024)
  assert.equal(options.get('rate'), 5)
  assert.equal(options.get('bandwidth'), 2 * 1024 * 1024)
})

test('only what was given and can be stored is kept with the job', () => {
  const options = resolveOptions([
    { origin: 'options', values: { delay: 0, seeds: [new Set(['x'])], progress: 'none', scope: 'host' } },
  ])
  assert.deepEqual(storedOptions(options), { delay: 0, scope: 'host' })
})

test('changed settings are told with both values', () => {
  assert.deepEqual(changedOptions({ delay: 1000, scope: 'host' }, { delay: 250, scope: 'host' }), [
    { name: 'delay', from: '1s', to: '250ms' },
  ])
  const before = { timeout: 90_000, maxSize: 64 * 1024 ** 2, retries: 3, job: '/w/a.sluice' }
  assert.deepEqual(changedOptions(before, { timeout: 0, maxSize: 1000, robots: 'record' }), [
    { name: 'timeout', from: '90s', to: '0' },
    { name: 'maxSize', from: '64MB', to: '1000' },
    { name: 'retries', from: '3', to: 'default' },
    { name: 'robots', from: 'default', to: 'record' },
  ])
})
