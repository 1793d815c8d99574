/** Looks for the password, as it is and as it was sent, in every file that the run has left. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

const LOGIN = 'ada:s3cret-word'
let files = 0
let found = 0
let pages = 0
for (const entry of readdirSync('.', { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || entry.name.endsWith('.ts')) continue
  const path = join(entry.parentPath, entry.name)
  const bytes = readFileSync(path)
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('latin1')
  files++
  if (text.includes('s3cret-word') || text.includes(Buffer.from(LOGIN).toString('base64'))) {
    found++
    console.log(`the password is in ${path}`)
  }
  if (path.endsWith('.warc.gz') && text.includes('a page behind TLS') && text.includes('a page of this network'))
    pages++
}
console.log(`the password is in ${found} of ${files > 5 ? 'all' : files} files; both pages are in ${pages} archive`)
