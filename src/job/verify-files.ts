/** Stored bodies against the records that name them: each file is there, and holds what its name and its record say. */
import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { join } from 'node:path'
import type { PageRecord } from '../model/record.ts'
import { createDigest, createFingerprint } from '../url/fingerprint.ts'
import { linesOf } from './lines.ts'
import { UrlTable } from './url-table.ts'

/** The records of a folder of pages. */
export const MANIFEST = 'pages.ndjson'

/** `files/ab/ab54….html`: the name is the start of the sha-256 of the body. */
const BY_CONTENT = /^files\/[0-9a-f]{2}\/([0-9a-f]{32})\./

/** Returns how many bodies were read. @param folder of a `dir/` output */
export async function verifyFiles(folder: string, tell: (problem: string) => void): Promise<number> {
  const manifest = join(folder, MANIFEST)
  const [fingerprint, digester] = [await createFingerprint(0n), await createDigest()]
  const seen = new UrlTable()
  for await (const lines of linesOf(manifest)) {
    for (const line of lines) {
      const record = recordIn(line)
      if (record === undefined) {
        tell(`${manifest}: a line is no record: ${line.slice(0, 60)}`)
        continue
      }
      const { file, digest, url } = record
      if (file === undefined || seen.get(fingerprint.of(file)) !== 0) continue
      seen.set(fingerprint.of(file), 1)
      const path = join(folder, file)
      if (!existsSync(path)) {
        tell(`${path} is missing: ${url}`)
        continue
      }
      const [sha256, sum] = [createHash('sha256'), digester.start()]
      for await (const piece of createReadStream(path) as AsyncIterable<Buffer>) {
        sha256.update(piece)
        sum.update(piece)
      }
      const named = BY_CONTENT.exec(file)?.[1]
      const isNamed = named === undefined || sha256.digest('hex').startsWith(named)
      if (!isNamed || (digest !== undefined && sum.end() !== digest)) tell(`${path} is not what was stored: ${url}`)
    }
  }
  return seen.size
}

function recordIn(line: string): PageRecord | undefined {
  try {
    return JSON.parse(line) as PageRecord
  } catch {
    return undefined
  }
}
