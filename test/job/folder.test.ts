import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
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
