/** The long form of the promise for large files: docs/adr/0018, issue S2. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startOrigin } from '../../src/testing/origin.ts'
import { inFolder } from '../cli/run-cli.ts'
import { BOUND, killDownloads } from '../integration/download-kills.ts'

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
