/**
 * Bodies of pages as files named by their content, or as the sink says. A body appears under its name whole or not at all: it is written
 * to `files/.incoming/` and renamed. Symbolic links planted inside the folder are not followed. Knows no record.
 *
 * A given name that other content has, on disk or in the batch, is told apart by the digest: nothing is overwritten, and
 * the same body asked for again after a death finds the file it left.
 */
import { createHash, hash, randomUUID } from 'node:crypto'
import { constants, createReadStream, lstatSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { copyFile, link, open, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Durability } from './append-file.ts'
import { clashKey, withDigest } from './file-name.ts'
import { extensionOf } from './mime-extension.ts'
import { changed, errorCode, storeError } from './store-error.ts'

const FILES = 'files'
const INCOMING = '.incoming'
/** Hex digits of the name: 128 bits, no two bodies of any crawl will meet. */
const NAME_DIGITS = 32

/** Bodies written at a time: as many as libuv has threads. They keep slow file creation off the main thread. */
const LANES = 4
/** Link errors that mean: another device, or a file system without hard links. */
const NO_LINK = new Set(['EXDEV', 'EPERM', 'ENOTSUP', 'EMLINK', 'ENOSYS'])

const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
/** O_NOFOLLOW does not exist on Windows. */
const NEW_FILE = O_WRONLY | O_CREAT | O_EXCL | (O_NOFOLLOW ?? 0)

export class BodyStore {
  readonly #files: string
  readonly #incoming: string
  readonly #power: boolean
  /** Folders known to be folders. */
  readonly #checked = new Set<string>()
  /** Bodies of this batch by the path they will have: the bytes, or the file that holds them. */
  readonly #waiting = new Map<string, Uint8Array | string>()
  /** Digests of the waiting bodies with given names, by what names clash by. */
  readonly #named = new Map<string, string>()
  /** With durability `power`: folders with names that a power cut could still take. */
  readonly #unsynced = new Set<string>()

  /** `below`: the folder of the bodies in the sink's; '' for the sink's own. */
  constructor(folder: string, durability: Durability, below = FILES) {
    this.#files = join(folder, below)
    this.#incoming = join(this.#files, INCOMING)
    this.#power = durability === 'power'
  }

  /** Makes the folders and removes bodies that a death left half written. */
  open(): void {
    try {
      this.#checked.clear()
      this.#folder(this.#files)
      this.#folder(this.#incoming)
      for (const name of readdirSync(this.#incoming)) rmSync(join(this.#incoming, name), { force: true })
    } catch (error) {
      throw storeError(this.#incoming, error)
    }
  }

  /** Takes a body for `settle`; returns its path below the sink's folder, with `/` on every system. */
  put(body: Uint8Array, mime: string | undefined): string {
    return this.#take(hash('sha256', body, 'hex'), mime, body.length, body)
  }

  /** The same for a body that lies in a file, which stays where it is: it is linked, or copied across devices. */
  async putFile(source: string, mime: string | undefined): Promise<string> {
    try {
      const { digest, size } = await digestOf(source)
      return this.#take(digest, mime, size, source)
    } catch (error) {
      throw storeError(source, error)
    }
  }

  /**
   * Takes a body, in memory or in a file, under the name that `nameOf` makes of its sha-256 (a safe path, see
   * `file-name.ts`). Returns the path it has; `reserved` are paths that no body may have.
   */
  async putNamed(
    body: Uint8Array | string,
    nameOf: (digest: string) => string,
    reserved: readonly string[],
  ): Promise<string> {
    try {
      const { digest, size } =
        typeof body === 'string' ? await digestOf(body) : { digest: hash('sha256', body, 'hex'), size: body.length }
      const name = nameOf(digest)
      // A file may lie where a folder is needed: then the path becomes one name.
      for (const path of [name, withDigest(name, digest), withDigest(name.replaceAll('/', '_').slice(-80), digest)]) {
        if (reserved.includes(clashKey(path)) || clashKey(path).startsWith(`${INCOMING}/`)) continue
        const found = await this.#lookAt(path, digest, size)
        if (found === 'other') continue
        if (found === 'free') {
          this.#named.set(clashKey(path), digest)
          this.#waiting.set(join(this.#files, path), body)
        }
        return path
      }
      throw changed(join(this.#files, name), 'is taken, and so are the names that would stand in for it')
    } catch (error) {
      throw storeError(this.#files, error)
    }
  }

  /** Ends a batch: resolves when its bodies have their names and survive what the durability promises. */
  async settle(): Promise<void> {
    const bodies = this.#waiting.entries()
    const lane = async (): Promise<void> => {
      for (const [target, body] of bodies) await this.#store(target, body)
    }
    try {
      await Promise.all(Array.from({ length: Math.min(LANES, this.#waiting.size) }, lane))
      if (this.#power && process.platform !== 'win32') {
        await Promise.all([...this.#unsynced].map((folder) => sync(folder, 'r')))
      }
      this.#unsynced.clear()
    } catch (error) {
      throw storeError(this.#files, error)
    } finally {
      this.#waiting.clear()
      this.#named.clear()
    }
  }

  #take(digest: string, mime: string | undefined, size: number, body: Uint8Array | string): string {
    const shard = digest.slice(0, 2)
    const name = `${digest.slice(0, NAME_DIGITS)}.${extensionOf(mime)}`
    const target = join(this.#files, shard, name)
    try {
      if (!this.#waiting.has(target) && !this.#present(shard, target, size)) this.#waiting.set(target, body)
    } catch (error) {
      throw storeError(target, error)
    }
    return `${FILES}/${shard}/${name}`
  }

  /** Makes the folders of the path where nothing is in their way. */
  async #lookAt(path: string, digest: string, size: number): Promise<'free' | 'same' | 'other'> {
    const waiting = this.#named.get(clashKey(path))
    if (waiting !== undefined) return waiting === digest ? 'same' : 'other'
    const parts = path.split('/')
    for (let count = 1; count < parts.length; count++) {
      const folder = parts.slice(0, count).join('/')
      const target = join(this.#files, folder)
      if (this.#named.has(clashKey(folder)) || lstatSync(target, { throwIfNoEntry: false })?.isFile() === true) {
        return 'other'
      }
      this.#folder(target)
    }
    const target = join(this.#files, path)
    const stat = lstatSync(target, { throwIfNoEntry: false })
    if (stat === undefined) return 'free'
    if (!stat.isFile() || stat.size !== size) return 'other'
    return (await digestOf(target)).digest === digest ? 'same' : 'other'
  }

  /** A regular file of that name and size is that body; a torn one or a planted link is replaced by the rename. */
  #present(shard: string, target: string, size: number): boolean {
    this.#folder(join(this.#files, shard))
    const stat = lstatSync(target, { throwIfNoEntry: false })
    return stat?.isFile() === true && stat.size === size
  }

  async #store(target: string, body: Uint8Array | string): Promise<void> {
    const path = join(this.#incoming, randomUUID())
    try {
      if (typeof body === 'string') await linkOrCopy(body, path)
      else await writeFile(path, body, { flag: NEW_FILE })
      if (this.#power) await sync(path, 'r+')
      renameSync(path, target)
    } catch (error) {
      await rm(path, { force: true })
      throw error
    }
    if (this.#power) this.#unsynced.add(dirname(target))
  }

  #folder(path: string): void {
    if (this.#checked.has(path)) return
    const stat = lstatSync(path, { throwIfNoEntry: false })
    if (stat === undefined) {
      mkdirSync(path, { recursive: true })
      if (this.#power) this.#unsynced.add(dirname(path))
    } else if (!stat.isDirectory()) {
      throw changed(path, 'is in the place of a folder of this job')
    }
    this.#checked.add(path)
  }
}

async function linkOrCopy(source: string, path: string): Promise<void> {
  try {
    await link(source, path)
  } catch (error) {
    if (!NO_LINK.has(errorCode(error))) throw error
    await copyFile(source, path, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
  }
}

async function digestOf(path: string): Promise<{ digest: string; size: number }> {
  const sha256 = createHash('sha256')
  let size = 0
  await pipeline(createReadStream(path), async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) {
      size += chunk.length
      sha256.update(chunk)
    }
  })
  return { digest: sha256.digest('hex'), size }
}

/** Off the main thread. Windows syncs only what is open for writing; elsewhere a folder opens only for reading. */
async function sync(path: string, flags: 'r' | 'r+'): Promise<void> {
  const handle = await open(path, flags)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
