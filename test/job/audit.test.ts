/** The log of control actions: nothing that was written before is touched, and torn lines take nothing with them. */
import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { AUDIT_FILE, readAudit, writeAudit } from '../../src/job/audit.ts'

function inFolder(work: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-audit-'))
  try {
    work(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('actions are read back newest first, with who, when, what and why', () => {
  inFolder((folder) => {
    writeAudit(folder, { action: 'pause', by: 'the dashboard', result: 'done' }, Date.UTC(2026, 0, 1))
    writeAudit(folder, {
      action: 'set',
      by: 'the dashboard',
      details: { name: 'delay', value: '6s', host: undefined },
      why: 'the owner asked',
      result: 'OPTION_INVALID',
    })
    const [last, first] = readAudit(folder)
    assert.equal(first?.t, '2026-01-01T00:00:00.000Z')
    assert.ok((first?.user ?? '') !== '')
    assert.deepEqual(last?.details, { name: 'delay', value: '6s' })
    assert.equal(last?.why, 'the owner asked')
    assert.equal(last?.result, 'OPTION_INVALID')
    assert.equal(statSync(join(folder, AUDIT_FILE)).mode & 0o777, 0o600)
  })
})

test('a torn line and a line of something else are passed over, and the next action is whole', () => {
  inFolder((folder) => {
    assert.deepEqual(readAudit(folder), [])
    writeAudit(folder, { action: 'stop', by: 'the dashboard', result: 'done' })
    appendFileSync(join(folder, AUDIT_FILE), 'null\n{"v":1,"action":"pau')
    writeAudit(folder, { action: 'resume', by: 'the dashboard', result: 'done' })
    assert.deepEqual(
      readAudit(folder).map(({ action }) => action),
      ['resume', 'stop'],
    )
  })
})

test('long texts and lists of an action are cut, so that a line stays small', () => {
  inFolder((folder) => {
    const urls = Array.from({ length: 5000 }, (_, n) => `http://a.test/${n}/${'x'.repeat(2000)}`)
    writeAudit(folder, { action: 'add', by: 'the dashboard', details: { urls }, result: 'done' })
    assert.ok(statSync(join(folder, AUDIT_FILE)).size < 20_000)
    const [entry] = readAudit(folder)
    assert.ok(Array.isArray(entry?.details?.['urls']))
    assert.equal(entry.details['urls'].length, 20)
  })
})
