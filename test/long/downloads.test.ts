/** The long form of the promise for large files: docs/adr/0018, issue S2. */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { downloadBytes } from '../../src/testing/origin/downloads.ts'
import { random } from '../../src/testing/random.ts'
import { startOrigin } from '../../src/testing/origin.ts'
import { inFolder } from '../cli/run-cli.ts'
import { killSluice } from '../crash/outputs.ts'
import { BOUND, killDownloads } from '../integration/download-kills.ts'
import { readRecords } from '../integration/web.ts'
import { findProgram } from '../private-server.ts'
import { startNginx } from './nginx.ts'

const FILES = 200
const BYTES = 10_000_000
const KILLS = 5

test('two hundred downloads of 10 MB killed five times end whole, at most 1 MiB of a file sent twice for a kill', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const work = { files: FILES, bytes: BYTES, kills: KILLS, atOnce: 64, rate: 1_000_000, seed: 2026 }
    const figures = await killDownloads(origin, cwd, { ...work, outs: ['out/{host}/{name}{ext}'] })
    const MB = 1_000_000
    console.log(
      `figure: downloads-200: ${FILES} x ${BYTES / MB} MB, ${KILLS} kills, ${(figures.ms / 1000).toFixed(1)} s, ` +
        `${figures.broken} downloads broken off, ${figures.resumed} gone on with a range, ` +
        `${(figures.sentTwice / MB).toFixed(1)} MB sent twice (${(figures.sentTwice / Math.max(1, figures.broken) / 1024).toFixed(0)} KiB ` +
        `a broken download, at most ${(figures.most / 1024).toFixed(0)} KiB)`,
    )
    assert.ok(figures.resumed >= KILLS, 'the kills came between downloads')
    assert.ok(figures.most <= BOUND, `${figures.most} bytes of a file were sent twice for one kill`)
  })
})

const NGINX = findProgram('nginx')

test('downloads from nginx go on after kills, and one that was changed between them is fetched anew', {
  skip: NGINX === undefined ? 'nginx is not installed' : false,
}, async (t) => {
  await inFolder(async (cwd) => {
    const root = join(cwd, 'root')
    mkdirSync(root)
    const names = Array.from({ length: 6 }, (_, n) => `file-${n}.bin`)
    const size = 12_000_000
    for (const name of names) writeFileSync(join(root, name), downloadBytes(name, 0, size))
    const nginx = await startNginx(NGINX as string, root, join(cwd, 'nginx'), 1_000_000)
    t.after(() => nginx.close())
    const origin = `http://127.0.0.1:${nginx.port}`
    writeFileSync(join(cwd, 'urls.txt'), names.map((name) => `${origin}/${name}\n`).join(''))
    const speed = ['--delay', '0', '--per-host', '6', '-c', '6', '--progress', 'none']
    const changed = names[0] as string
    const report = await killSluice(['fetch', 'urls.txt', '-j', 'nginx', ...speed, '-o', 'out/{name}{ext}'], {
      cwd,
      maxKills: 3,
      kill: { ms: [2500, 4500], random: random(3) },
      onRestart: (run) => {
        assert.deepEqual(
          readdirSync(join(cwd, 'out')).filter((name) => name.endsWith('.bin')),
          [],
        )
        if (run === 3) writeFileSync(join(root, changed), downloadBytes('changed', 0, size + 1))
      },
    })
    assert.equal(report.exitCode, 0, report.stderr)
    assert.equal(report.kills, 3)
    for (const name of names) {
      const expected = name === changed ? downloadBytes('changed', 0, size + 1) : downloadBytes(name, 0, size)
      assert.ok(readFileSync(join(cwd, 'out', name)).equals(expected), name)
    }
    for (const { url, flags, status } of readRecords(join(cwd, 'out', 'pages.ndjson'))) {
      assert.equal(status, 200)
      assert.deepEqual(flags, ['resumed'], url)
    }
    const log = nginx.log().filter(({ target }) => names.some((name) => target === `/${name}`))
    const sent = log.reduce((sum, { target, bytes }) => sum + (target === `/${changed}` ? 0 : bytes), 0)
    const twice = sent - (names.length - 1) * size
    console.log(
      `figure: downloads-nginx: ${names.length} x ${size / 1e6} MB, 3 kills, ` +
        `answers ${names
          .map((name) =>
            log
              .filter(({ target }) => target === `/${name}`)
              .map(({ status }) => status)
              .join('+'),
          )
          .join(' ')}, ` +
        `${(twice / 15 / 1024).toFixed(0)} KiB sent twice for a kill and file`,
    )
    assert.ok(twice <= 3 * (names.length - 1) * BOUND, `${twice} bytes were sent twice`)
    assert.ok(log.some(({ target, status }) => target === `/${changed}` && status === 200))
  })
})
