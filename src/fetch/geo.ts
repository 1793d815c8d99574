/**
 * Country and network of connected addresses, from MaxMind DB files (`.mmdb`) of the user's own. A file that is replaced
 * while the job runs is read again; one that cannot be read then leaves the old one in force. No database comes with us.
 * Files are read by the optional package `mmdb-lib`, known to this file alone.
 */
import { readFile, stat } from 'node:fs/promises'
import { isIP } from 'node:net'
import type { Reader, Response } from 'mmdb-lib'
import type { Clock } from '../model/clock.ts'
import { SluiceError } from '../model/errors.ts'
import type { Geo } from '../model/record.ts'

export interface GeoOptions {
  /** Absolute. Of several the first that knows a fact has the word. */
  readonly paths: readonly string[]
  readonly clock: Clock
  /** Told once for each version of a file that cannot be read. */
  readonly warn: (message: string) => void
}

export interface GeoFiles {
  /** Undefined where no file knows the address. Looks every second whether a file was replaced, without waiting for it. */
  lookup(address: string): Geo | undefined
  /** Reads what was replaced since it was read last. */
  refresh(): Promise<void>
}

/** How often files are looked at, ms. */
const LOOK_MS = 1_000

/** @throws {SluiceError} INPUT_UNREADABLE, DEPENDENCY_MISSING */
export async function openGeo(options: GeoOptions): Promise<GeoFiles> {
  const read = await loadReader()
  const files = await Promise.all(options.paths.map((path) => GeoFile.open(path, read, options.warn)))
  const { clock } = options
  let lookedAt = clock.now()
  let looking: Promise<void> | undefined
  const refresh = (): Promise<void> => {
    looking ??= Promise.all(files.map((file) => file.refresh())).then(() => {
      looking = undefined
    })
    return looking
  }
  return {
    refresh,
    lookup(address) {
      const now = clock.now()
      if (now - lookedAt >= LOOK_MS) {
        lookedAt = now
        void refresh()
      }
      // IPv4-mapped (RFC 4291 2.5.5.2).
      const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
      // The reader takes any text for some address.
      if (isIP(plain) === 0) return undefined
      const found = files.map((file) => file.lookup(plain))
      const country = found.find((geo) => geo.country !== undefined)?.country
      const asn = found.find((geo) => geo.asn !== undefined)?.asn
      const organization = found.find((geo) => geo.organization !== undefined)?.organization
      if (country === undefined && asn === undefined && organization === undefined) return undefined
      return {
        ...(country === undefined ? {} : { country }),
        ...(asn === undefined ? {} : { asn }),
        ...(organization === undefined ? {} : { organization }),
      }
    },
  }
}

type Read = (bytes: Buffer) => Reader<Response>

class GeoFile {
  readonly #path: string
  readonly #read: Read
  readonly #warn: (message: string) => void
  /** Version that is in force, or was found unreadable. */
  #stamp: string
  #reader: Reader<Response>

  private constructor(
    path: string,
    read: Read,
    warn: (message: string) => void,
    stamp: string,
    reader: Reader<Response>,
  ) {
    this.#path = path
    this.#read = read
    this.#warn = warn
    this.#stamp = stamp
    this.#reader = reader
  }

  static async open(path: string, read: Read, warn: (message: string) => void): Promise<GeoFile> {
    try {
      const stamp = await stampOf(path)
      return new GeoFile(path, read, warn, stamp, read(await readFile(path)))
    } catch (cause) {
      throw new SluiceError(
        'INPUT_UNREADABLE',
        `cannot read ${path} as a MaxMind DB file: ${(cause as Error).message}`,
        {
          hint: 'check the path; a .mmdb file is meant',
          cause,
        },
      )
    }
  }

  async refresh(): Promise<void> {
    let stamp = ''
    try {
      stamp = await stampOf(this.#path)
      if (stamp === this.#stamp) return
      this.#reader = this.#read(await readFile(this.#path))
    } catch (error) {
      if (stamp !== this.#stamp)
        this.#warn(`${this.#path} cannot be read any more, the old one is kept: ${(error as Error).message}`)
    }
    this.#stamp = stamp
  }

  lookup(address: string): Geo {
    try {
      return geoOf(this.#reader.get(address))
    } catch {
      // A place of the file that is damaged, or an IPv6 address in a file of IPv4: it knows nothing of it.
      return {}
    }
  }
}

async function stampOf(path: string): Promise<string> {
  const { mtimeMs, size, ino } = await stat(path)
  return `${mtimeMs} ${size} ${ino}`
}

/** The fields of GeoLite2 and of the free databases that follow it or flatten it. */
function geoOf(record: unknown): Geo {
  const {
    country,
    country_code: code,
    autonomous_system_number: asn,
    autonomous_system_organization: organization,
  } = (record ?? {}) as Record<string, unknown>
  const iso = (country as { iso_code?: unknown } | undefined)?.iso_code ?? code
  return {
    ...(typeof iso === 'string' ? { country: iso } : {}),
    ...(typeof asn === 'number' ? { asn } : {}),
    ...(typeof organization === 'string' ? { organization } : {}),
  }
}

async function loadReader(): Promise<Read> {
  try {
    const { Reader } = await import('mmdb-lib')
    return (bytes) => new Reader<Response>(bytes)
  } catch (cause) {
    throw new SluiceError('DEPENDENCY_MISSING', '--geo needs the package mmdb-lib', {
      hint: 'npm install mmdb-lib',
      cause,
    })
  }
}
