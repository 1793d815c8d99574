/** Looks for the password, tokens and cookies in every file that the runs have left, `session.json` of the jobs excepted. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

let archives = 0
for (const entry of readdirSync('.', { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue
  const path = join(entry.parentPath, entry.name)
  if (entry.name === 'session.json') {
    console.log(`${path} has mode ${(statSync(path).mode & 0o777).toString(8)}`)
    continue
  }
  const bytes = readFileSync(path)
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('latin1')
  if (path.endsWith('.warc.gz') && text.includes('<h1>Private 99</h1>')) archives++
  // All secrets of this site begin with the same word.
  if (/[c]anary/.test(text)) console.log(`a secret is in ${path}`)
}
console.log(`${archives} archives with pages`)
