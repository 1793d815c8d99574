/**
 * A crawl of real pages that nobody here wrote, served by a server nobody here wrote, against a walk over the files.
 * `SLUICE_TEST_CORPUS` names another folder whose subfolders hold pages; `SLUICE_CORPUS` where the test is run directly.
 */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { inFolder, runCli } from '../cli/run-cli.ts'
import { readRecords, readSummary } from '../integration/web.ts'
import { walkDisk } from './disk-walk.ts'
import { findProgram } from '../private-server.ts'
import { startNginx } from './nginx.ts'

/** Debian's packages of HTML documents: python3-doc, postgresql-doc, openjdk-17-doc, libboost-doc. */
const PACKAGES = [
  '/usr/share/doc/python3.11/html',
  '/usr/share/doc/postgresql-doc-15/html',
  '/usr/share/doc/openjdk-17-doc/api',
  '/usr/share/doc/openjdk-17-jre-headless/api',
  '/usr/share/doc/libboost1.81-doc/doc/html',
]
const MOST_SHOWN = 10

function folders(): string[] {
  const corpus = process.env['SLUICE_TEST_CORPUS'] ?? process.env['SLUICE_CORPUS']
  const given = corpus === undefined ? PACKAGES : readdirSync(corpus).map((name) => join(corpus, name))
  return [...new Set(given.filter((path) => existsSync(path)).map((path) => realpathSync(path)))]
}

const nginx = findProgram('nginx')
const sites = folders()
const missing =
  nginx === undefined ? 'nginx is not installed' : sites.length === 0 ? 'no Debian documents are installed' : false

test('a crawl of real documents finds exactly the pages a walk over the files finds', { skip: missing }, async (t) => {
  await inFolder(async (cwd) => {
    const root = join(cwd, 'root')
    mkdirSync(root)
    const links = sites.map((path, n) => {
      symlinkSync(path, join(root, `d${n}`))
      return `<li><a href="d${n}/index.html">${path}</a></li>`
    })
    writeFileSync(join(root, 'index.html'), `<!doctype html><title>Start</title><ul>${links.join('\n')}</ul>`)
    const server = await startNginx(nginx as string, root, join(cwd, 'nginx'))
    t.after(() => server.close())

    const start = 'http://docs.test/'
    const flags = ['--resolve', `*=127.0.0.1:${server.port}`, '--contact', 'https://lab.example/bot']
    const speed = ['--delay', '0', '--per-host', '16', '-c', '16', '--progress', 'none']
    const args = ['crawl', start, '-j', 'corpus', ...flags, ...speed]
    const first = await runCli([...args, '-o', 'first.ndjson'], { cwd })
    // Documents link to pages that are not there: with failures only the exit code differs.
    assert.ok(first.code === 0 || first.code === 3, first.stderr)
    const records = readRecords(join(cwd, 'first.ndjson'))
    const ok = records.filter(({ outcome, mime }) => outcome === 'ok' && mime === 'text/html')
    const fetched = new Set(ok.map(({ url, final }) => final ?? url))
    const walk = walkDisk(root, start)
    const lost = [...walk.pages].filter((url) => !fetched.has(url))
    const strange = [...fetched].filter((url) => !walk.pages.has(url))
    const seconds = readSummary(cwd, 'corpus').elapsedMs / 1000
    console.log(
      `figure: corpus ${walk.pages.size} pages on disk, ${fetched.size} fetched, ${lost.length} lost, ` +
        `${strange.length} strange, ${walk.missing.size} links to nothing, ${records.length} records, ` +
        `${seconds.toFixed(1)} s, ${Math.round(records.length / seconds)}/s`,
    )
    const why = lost.slice(0, MOST_SHOWN).map((url) => records.find((record) => record.url === url) ?? url)
    assert.deepEqual({ lost: why, strange: strange.slice(0, MOST_SHOWN) }, { lost: [], strange: [] })
    assert.equal(ok.length, fetched.size, 'no page was fetched twice')
    assert.equal(new Set(records.map(({ url }) => url)).size, records.length)
    assert.ok(fetched.size >= 10_000 || process.env['SLUICE_TEST_CORPUS'] !== undefined, `${fetched.size} pages`)

    const before = server.log().length
    const second = await runCli([...args, '-o', 'first.ndjson', '--if-changed'], { cwd })
    assert.ok(second.code === 0 || second.code === 3, second.stderr)
    const latest = new Map(
      readRecords(join(cwd, 'first.ndjson'))
        .slice(records.length)
        .map((row) => [row.url, row]),
    )
    const unproven = records.filter(({ outcome, url }) => outcome === 'ok' && latest.get(url)?.outcome !== 'unchanged')
    const answers = server.log().slice(before)
    const bodies = answers.filter(({ status }) => status === 200)
    const fresh = answers.filter(({ status }) => status === 304).length
    console.log(
      `figure: if-changed ${fresh} answers 304, ${bodies.length} bodies, ${unproven.length} ok pages not unchanged, ` +
        `${(readSummary(cwd, 'corpus').elapsedMs / 1000).toFixed(1)} s`,
    )
    assert.deepEqual(
      unproven.slice(0, MOST_SHOWN).map((record) => latest.get(record.url) ?? record.url),
      [],
    )
    assert.deepEqual(bodies.slice(0, MOST_SHOWN), [])
  })
})
