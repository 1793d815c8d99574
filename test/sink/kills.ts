/** Kills a process that writes to a sink, again and again: what it committed has to be there once. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { PageRecord } from '../../src/model/record.ts'
import { records } from '../../src/testing/sink-suite.ts'
import { itemStorageIn, type ItemStorageKind, type StorageKind, storageIn, temporaryFolder } from './storages.ts'

const CHILD = fileURLToPath(new URL('kill-child.ts', import.meta.url))
const KILLS = 8

/** Kills a child once it has reported `dots` steps; the parent's pipe makes the exact instant a matter of luck. */
async function killAfter(
  dots: number,
  kind: StorageKind,
  folder: string,
  size: number,
  content = 'pages',
): Promise<void> {
  const child = spawn(process.execPath, ['--conditions=sluice-source', CHILD, kind, folder, String(size), content], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  let seen = 0
  child.stdout.on('data', (chunk: Buffer) => {
    seen += chunk.length
    if (seen >= dots) child.kill('SIGKILL')
  })
  const [, signal] = (await ended) as [number | null, string | null]
  assert.equal(signal, 'SIGKILL', 'the child ended by itself')
}

interface Options {
  /** Reason to skip, or false. */
  readonly skip?: string | false
}

/** Registers the kills of a process that writes page records, and of one that writes items. */
export function killTests(kinds: readonly ItemStorageKind[], options: Options = {}): void {
  for (const kind of kinds) {
    pageKillTest(kind, options)
    itemKillTest(kind, options)
  }
}

export function pageKillTest(kind: StorageKind, options: Options = {}): void {
  test(
    `${kind}: after ${KILLS} kill -9 of a writing process each committed record is there exactly once`,
    options,
    async () => {
      const folder = temporaryFolder()
      for (let kill = 0; kill < KILLS; kill++) {
        await killAfter(1 + kill * 5 + Math.floor(Math.random() * 5), kind, folder.path, kill % 2 === 0 ? 7 : 300)
      }
      const last = JSON.parse(readFileSync(join(folder.path, 'commit.json'), 'utf8')) as {
        seq: number
        position: string | null
      }
      const target = storageIn(kind, folder.path, 'kill')
      const sink = target.sink()
      const job = { name: 'job', id: 'job', run: 1, committedSeq: last.seq, columns: ['note'] }
      await sink.open(job, last.position === null ? undefined : Buffer.from(last.position, 'base64'))
      await sink.close()
      const found = ((await target.rows()) as PageRecord[]).map(({ seq }) => seq).toSorted((a, b) => a - b)
      assert.ok(last.seq > 0)
      assert.deepEqual(
        found,
        Array.from({ length: last.seq }, (_, index) => index + 1),
      )
      await folder.remove()
    },
  )
}

function itemKillTest(kind: ItemStorageKind, options: Options): void {
  test(
    `${kind}: after ${KILLS} kill -9 of a writing process no committed item is missing and none is doubled`,
    options,
    async () => {
      const folder = temporaryFolder()
      for (let kill = 0; kill < KILLS; kill++) {
        const dots = 1 + kill * 5 + Math.floor(Math.random() * 5)
        await killAfter(dots, kind, folder.path, kill % 2 === 0 ? 7 : 300, 'items')
      }
      const last = JSON.parse(readFileSync(join(folder.path, 'commit.json'), 'utf8')) as {
        seq: number
        position: string | null
      }
      const target = itemStorageIn(kind, folder.path)
      const sink = target.sink()
      const items = { columns: undefined }
      const job = { name: 'job', id: 'job', run: 1, committedSeq: last.seq, columns: [], items }
      await sink.open(job, last.position === null ? undefined : Buffer.from(last.position, 'base64'))
      await sink.close()
      const wanted = records(1, last.seq).flatMap(({ items: given = [] }) => given.map(({ json }) => json))
      const found = await target.rows()
      assert.ok(wanted.length > 0)
      const titles = (all: readonly unknown[]): string[] =>
        (all as { page: number; position: number }[]).map(({ page, position }) => `${page}:${position}`).toSorted()
      assert.deepEqual(titles(found), titles(wanted.map((json) => JSON.parse(json) as unknown)))
      await folder.remove()
    },
  )
}
