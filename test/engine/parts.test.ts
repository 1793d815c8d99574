import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBus } from '../../src/engine/bus.ts'
import { Hosts } from '../../src/engine/hosts.ts'
import { IpGate } from '../../src/engine/ip-gate.ts'
import { Histogram } from '../../src/engine/metrics.ts'
import {
  ROBOTS_FAULT_MS,
  ROBOTS_RETRY_MS,
  RobotsGate,
  robotsCause,
  robotsOfAnswer,
  robotsUnreachable,
} from '../../src/engine/robots-gate.ts'
import { Shortage } from '../../src/engine/shortage.ts'
import { Throttle } from '../../src/engine/throttle.ts'

test('a rate cap lets through so many a second and says how long to wait', () => {
  const throttle = new Throttle(10, 0)
  let passed = 0
  for (let now = 0; now <= 1000; now += 10) {
    while (throttle.available(now) >= 1) {
      throttle.take(1)
      passed++
    }
  }
  assert.ok(passed >= 10 && passed <= 11, String(passed))
  assert.ok(throttle.waitMs() > 0 && throttle.waitMs() <= 100)
})

test('a large answer is paid back before the byte cap lets the next through', () => {
  const throttle = new Throttle(1000, 0)
  throttle.take(5000)
  assert.ok(throttle.available(1000) < 0)
  assert.ok(throttle.available(6000) >= 1)
})

test('without a cap nothing waits', () => {
  const throttle = new Throttle(undefined, 0)
  throttle.take(1e9)
  assert.equal(throttle.available(0), Number.POSITIVE_INFINITY)
  assert.equal(throttle.waitMs(), 0)
})

test('percentiles are right within their buckets', () => {
  const histogram = new Histogram()
  for (let ms = 1; ms <= 1000; ms++) histogram.add(ms)
  for (const q of [0.5, 0.9, 0.99]) {
    const measured = histogram.quantile(q)
    assert.ok(Math.abs(measured - q * 1000) <= q * 1000 * 0.03, `${q}: ${measured}`)
  }
  assert.equal(histogram.max, 1000)
})

test('hosts that share an address share its pace', () => {
  const gate = new IpGate()
  assert.equal(gate.enter('127.0.0.1', 1, 0), 0)
  assert.ok(gate.enter('127.0.0.1', 1, 5) > 0)
  gate.leave('127.0.0.1', 100, 10)
  assert.equal(gate.enter('127.0.0.1', 1, 50), 60)
  assert.equal(gate.enter('127.0.0.2', 1, 50), 0)
  assert.equal(gate.enter('127.0.0.1', 1, 110), 0)
})

test('robots.txt by status: rules, no restriction, or come back later', () => {
  assert.equal(robotsOfAnswer('http://a.test', 200, 'User-agent: *', '')?.verdict, 'rules')
  for (const status of [400, 401, 403, 404, 410])
    assert.equal(robotsOfAnswer('http://a.test', status, '', '')?.verdict, 'allow')
  for (const status of [429, 500, 503]) assert.equal(robotsOfAnswer('http://a.test', status, '', ''), undefined)
  assert.equal(robotsUnreachable('http://a.test', 503, '', undefined).validForMs, ROBOTS_RETRY_MS)
})

test('robots rules expire, deny names the line, and an unreachable file denies everything', () => {
  const gate = new RobotsGate('sluice')
  const body = 'User-agent: *\nCrawl-delay: 2\nDisallow: /x\n'
  const known = gate.learn(
    { origin: 'http://a.test', verdict: 'rules', status: 200, body, fetchedAt: '', validForMs: 1000 },
    0,
  )
  assert.ok(known)
  assert.equal(known.crawlDelayMs, 2000)
  assert.equal(gate.check(known, '/y').allowed, true)
  assert.match(gate.check(known, '/x/1').reason, /line 3/)
  assert.equal(gate.get('http://a.test', 999)?.verdict, 'rules')
  assert.equal(gate.get('http://a.test', 1001), undefined)
  const denied = gate.learn(robotsUnreachable('http://b.test', 503, '', undefined), 0)
  assert.ok(denied)
  assert.equal(gate.check(denied, '/').code, 'ROBOTS_UNREACHABLE')
  assert.match(gate.check(denied, '/').reason, /503/)
})

test('a host that cannot be reached is refused with the fault that kept robots.txt away, also after it was stored', () => {
  const cause = { code: 'DNS_NOT_FOUND' as const, message: 'there is no host b.test' }
  const stored = robotsUnreachable('http://b.test', 0, '', cause)
  assert.deepEqual(robotsCause(stored), cause)
  assert.equal(robotsCause({ ...stored, body: '' }), undefined)
  const gate = new RobotsGate('sluice')
  const known = gate.learn(stored, 0)
  assert.ok(known)
  const { allowed, code, reason } = gate.check(known, '/')
  assert.deepEqual([allowed, code], [false, 'DNS_NOT_FOUND'])
  assert.match(reason, /robots\.txt.*there is no host b\.test/)
  assert.equal(gate.get('http://b.test', ROBOTS_FAULT_MS), undefined)
})

test('while connections cannot be opened each pause is longer, and the tenth in a row ends the job', () => {
  const told: string[] = []
  const shortage = new Shortage((message) => told.push(message))
  const pauses: number[] = []
  let now = 5
  for (let round = 1; round < 10; round++) {
    const pause = shortage.note(now, 'EMFILE')
    pauses.push(pause)
    // Those that fail together wait for the same moment and count once.
    assert.equal(shortage.note(now + 10, 'EMFILE'), pause - 10)
    assert.equal(shortage.waitMs(now + 10), pause - 10)
    now += pause
  }
  assert.deepEqual(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 30_000])
  assert.throws(() => shortage.note(now, 'EMFILE'), { code: 'MACHINE_EXHAUSTED', message: /EMFILE/ })
  shortage.over()
  assert.equal(shortage.waitMs(now), 0)
  assert.equal(shortage.note(now, 'EMFILE'), 1_000)
})

test('a slow-down that was stored is where a host starts again', () => {
  const hosts = new Hosts(() => ({ delayMs: 1000, perHost: 1, isBlocked: false }))
  const host = hosts.of('a.test', 8000)
  assert.equal(host.failures, 3)
  hosts.observe(host, 200, undefined, 50, 0)
  assert.equal(host.failures, 1)
  hosts.observe(host, 503, undefined, 50, 0)
  assert.equal(host.failures, 2)
})

test('an event reaches those who asked for its type, until they leave', () => {
  const bus = createBus()
  const seen: string[] = []
  assert.equal(bus.wants('warning.raised'), false)
  const leave = bus.subscribe(['warning.raised'], (type) => seen.push(type))
  assert.equal(bus.wants('warning.raised'), true)
  assert.equal(bus.wants('job.started'), false)
  bus.emit('warning.raised', { code: 'X', message: 'y' }, 1, '')
  bus.emit('job.started', { job: 'a', run: 1, pid: 1 }, 2, '')
  leave()
  bus.emit('warning.raised', { code: 'X', message: 'y' }, 3, '')
  assert.deepEqual(seen, ['warning.raised'])
})
