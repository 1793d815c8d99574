/** The storages the frontier suite and the model test run over. */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { OpenedFrontier } from '../../src/frontier/frontier.ts'
import { memoryFrontier } from '../../src/frontier/memory.ts'
import { sqliteFrontier } from '../../src/frontier/sqlite/index.ts'
import type { FrontierUnderTest } from '../../src/testing/frontier-suite.ts'

export async function memoryStorage(): Promise<FrontierUnderTest> {
  return {
    persistent: false,
    open: async (options) => memoryFrontier(options),
    kill: () => Promise.reject(new Error('memory does not survive')),
    remove: async () => undefined,
  }
}

/**
 * A folder that is "killed" by copying what is on disk at that moment and going on with the copy: the same bytes a
 * `kill -9` leaves. `lock.db` stays behind, since closing a copy of it would drop the lock of this process.
 */
export async function sqliteStorage(seenBudgetBytes?: number): Promise<FrontierUnderTest> {
  const root = mkdtempSync(join(tmpdir(), 'sluice-frontier-'))
  let generation = 0
  let folder = join(root, '0')
  let opened: OpenedFrontier | undefined
  const abandoned: OpenedFrontier[] = []
  return {
    persistent: true,
    async open(options) {
      opened = await sqliteFrontier({
        ...options,
        path: folder,
        ...(seenBudgetBytes === undefined ? {} : { seenBudgetBytes }),
      })
      return opened
    },
    async kill() {
      const copy = join(root, String(++generation))
      mkdirSync(copy)
      for (const name of ['job.db', 'job.db-wal']) {
        if (existsSync(join(folder, name))) copyFileSync(join(folder, name), join(copy, name))
      }
      if (opened !== undefined) abandoned.push(opened)
      opened = undefined
      folder = copy
    },
    async remove() {
      for (const dead of abandoned) await dead.frontier.close().catch(() => undefined)
      rmSync(root, { recursive: true, force: true })
    },
  }
}
