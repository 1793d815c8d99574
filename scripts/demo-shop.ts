/** The demo itself: a shop served on loopback, the real command over it, the first records, what to try next. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { PageRecord } from '../src/model/record.ts'
import { startOrigin } from '../src/testing/origin.ts'

const BIN = fileURLToPath(new URL('../bin/sluice.js', import.meta.url))
const SHOWN = 5

async function main(): Promise<number> {
  const origin = await startOrigin({ sites: { 'shop.localhost': { content: { kind: 'shop' }, answerMs: [2, 20] } } })
  const folder = mkdtempSync(join(tmpdir(), 'sluice-demo-'))
  try {
    const command = [
      'crawl',
      'http://shop.localhost/',
      '--resolve',
      origin.resolveFlag,
      '--delay',
      '10ms',
      '-o',
      'pages.ndjson',
    ]
    console.log(`$ sluice ${command.join(' ')}\n`)
    const code = await run(command, folder)
    if (code !== 0) return code
    const lines = readFileSync(join(folder, 'pages.ndjson'), 'utf8').trimEnd().split('\n')
    console.log(`\nThe first ${SHOWN} of ${lines.length} records in pages.ndjson:`)
    for (const line of lines.slice(0, SHOWN)) console.log(`  ${shown(JSON.parse(line) as PageRecord)}`)
    const refused = lines.map((line) => JSON.parse(line) as PageRecord).find((record) => record.outcome === 'skipped')
    if (refused !== undefined) {
      console.log(`\nEvery URL can be asked about, also those that were not fetched:\n\n$ sluice why ${refused.url}`)
      await run(['why', refused.url], folder)
    }
    console.log(
      '\nNow your own:\n  npx sluice crawl https://your.site/ -o pages.ndjson\n  npx sluice fetch urls.txt -o data/',
    )
    return 0
  } finally {
    await origin.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

function run(args: readonly string[], cwd: string): Promise<number> {
  const child = spawn(process.execPath, [BIN, ...args], { cwd, stdio: 'inherit' })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code) => resolve(code ?? 1))
  })
}

function shown({ outcome, status, url, title, bytes }: PageRecord): string {
  const size = bytes === undefined ? '' : `${bytes} bytes`
  return [outcome.padEnd(8), String(status ?? '').padEnd(4), url.padEnd(44), (title ?? '').padEnd(24), size]
    .join(' ')
    .trimEnd()
}

process.exitCode = await main()
