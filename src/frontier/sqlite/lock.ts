/**
 * One owner a job: an exclusive SQLite lock on `lock.db`, which the kernel releases with the process, however it dies.
 * Who the owner is stands in `job.db`, for the message only.
 */
import { existsSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { SluiceError } from '../../model/errors.ts'
import { isBusy, storeError } from './errors.ts'
import { DATABASE, LOCK } from './schema.ts'

/** Who has the job open. */
export interface Owner {
  readonly pid: number
  readonly host: string
  /** ISO 8601. */
  readonly startedAt: string
}

/** `f_type` of file systems whose locks or shared memory do not hold between machines (statfs(2)). */
const NETWORK: Readonly<Record<number, string>> = {
  0x6969: 'NFS',
  0x517b: 'SMB',
  0xff534d42: 'CIFS',
  0xfe534d42: 'SMB2',
  0x01021997: '9P',
  0x00c36400: 'Ceph',
  0x5346414f: 'AFS',
}

export interface Lock {
  release(): void
}

export function takeLock(folder: string, unsafeLock: boolean): Lock {
  if (!unsafeLock) refuseNetwork(folder)
  const path = join(folder, LOCK)
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(path)
    db.exec('PRAGMA journal_mode=DELETE; PRAGMA busy_timeout=0; BEGIN EXCLUSIVE')
  } catch (error) {
    db?.close()
    throw isBusy(error) ? lockedBy(folder) : storeError(error, path)
  }
  const held = db
  return { release: () => held.close() }
}

function refuseNetwork(folder: string): void {
  let type: number
  try {
    type = statfsSync(folder).type >>> 0
  } catch {
    return
  }
  const name = NETWORK[type]
  if (name === undefined) return
  throw new SluiceError(
    'OPTION_INVALID',
    `${folder} lies on a network file system (${name}), whose locks are not safe`,
    {
      hint: 'put the job folder on a local disk, or give --unsafe-lock if no other machine will open this job',
    },
  )
}

function lockedBy(folder: string): SluiceError {
  const owner = readOwner(folder)
  const who =
    owner === undefined ? 'another process' : `process ${owner.pid} on ${owner.host}, started ${owner.startedAt}`
  return new SluiceError('FRONTIER_LOCKED', `${folder} is in use by ${who}`, {
    hint: 'wait for it, stop it with sluice stop, or give this job another name with --job',
  })
}

/** The owner as stored, live or not. */
export function readOwner(folder: string): Owner | undefined {
  const path = join(folder, DATABASE)
  if (!existsSync(path)) return undefined
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(path, { readOnly: true })
    const row = db.prepare("SELECT value FROM meta WHERE name = 'owner'").get()
    return row === undefined ? undefined : (JSON.parse(String(row['value'])) as Owner)
  } catch {
    // Only for a message: a store that cannot be read says so elsewhere.
    return undefined
  } finally {
    db?.close()
  }
}
