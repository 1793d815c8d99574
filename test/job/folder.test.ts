import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { findJob, folderOf, nameFromInput, newStored, readStored, setAside, writeStored } from '../../src/job/folder.ts'

function inFolder(run: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-folder-'))
  try {
    run(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const init = {
  kind: 'fetch' as const,
  name: 'urls',
  subject: 'urls.txt',
  options: { delay: 0 },
  cwd: '/x',
  createdAt: '2026-01-01T00:00:00.000Z',
}

test('a job is named after its first input', () => {
  assert.equal(nameFromInput('lists/urls.txt'), 'urls')
  assert.equal(nameFromInput('urls.csv.gz'), 'urls')
  assert.equal(nameFromInput('https://shop.example:8080/a?b'), 'shop.example-8080')
  assert.equal(nameFromInput('https://user:secret@shop.example/'), 'shop.example')
  assert.equal(nameFromInput('-'), 'stdin')
  assert.equal(nameFromInput('../..'), 'job')
})

test('a stored job comes back as it was written', () => {
  inFolder((cwd) => {
    const folder = folderOf('urls', cwd)
    const stored = newStored(init)
    writeStored(folder, stored)
    assert.deepEqual(readStored(folder), stored)
    assert.equal(findJob(undefined, cwd), folder)
    assert.equal(findJob('urls', cwd), folder)
    assert.equal(findJob('urls.sluice', cwd), folder)
  })
})

test('a foreign or torn config.json is refused and nothing is overwritten', () => {
  inFolder((cwd) => {
    const folder = folderOf('urls', cwd)
    mkdirSync(folder)
    writeFileSync(join(folder, 'config.json'), '{"format":')
    assert.throws(() => readStored(folder), { code: 'FORMAT_UNSUPPORTED' })
  })
})

test('fresh keeps every older job under the next number', () => {
  inFolder((cwd) => {
    const folder = folderOf('urls', cwd)
    for (const expected of ['urls.1.sluice', 'urls.2.sluice']) {
      writeStored(folder, newStored(init))
      assert.equal(setAside(folder), join(cwd, expected))
      assert.equal(existsSync(folder), false)
    }
    assert.equal(setAside(folder), undefined)
  })
})

test('asking for a job where there is none says how to start one', () => {
  inFolder((cwd) => {
    assert.throws(() => findJob(undefined, cwd), /no job in this directory/)
    assert.throws(() => findJob('nothing', cwd), { code: 'OPTION_INVALID' })
  })
})

test('a job of another user is named as one that cannot be read, not as none', () => {
  inFolder((cwd) => {
    const folder = folderOf('theirs', cwd)
    writeStored(folder, newStored(init))
    // What root writes is closed to nobody but others.
    const isRoot = process.geteuid?.() === 0
    chmodSync(cwd, 0o755)
    chmodSync(isRoot ? folder : join(folder, 'config.json'), isRoot ? 0o700 : 0)
    if (isRoot) process.seteuid?.(65_534)
    try {
      const denied = { code: 'INPUT_UNREADABLE', message: /cannot read the job .*theirs\.sluice: permission denied/ }
      assert.throws(() => readStored(folder), denied)
      if (isRoot) {
        assert.throws(() => findJob('theirs', cwd), denied)
        assert.throws(() => findJob(undefined, cwd), denied)
      }
    } finally {
      if (isRoot) process.seteuid?.(0)
      chmodSync(folder, 0o700)
    }
  })
})
