/** Kills a process that writes an archive, again and again, and then reads the archive by other means. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { warcSink } from '../../src/sink/warc.ts'
import { openArchive } from '../../src/source/warc.ts'
import { random } from '../../src/testing/random.ts'
import { readWithWarcio } from '../warc/independent.ts'
import { JOB } from './exchanges.ts'
import { temporaryFolder } from './storages.ts'

const CHILD = fileURLToPath(new URL('warc-kill-child.ts', import.meta.url))

/** Small, so that many deaths fall beside the end of a file. */
export const ROTATE_BYTES = 150_000

/** Every third page repeats one of ten; the others are their own. */
export function bodyOf(seq: number): Buffer {
  const dice = random(seq % 3 === 0 ? seq % 10 : seq)
  return Buffer.from(Array.from({ length: 200 + (seq % 7) * 100 }, () => `<p>${dice.int(0, 1e9)}</p>`).join('\n'))
}

/** @param kills how often the writing process is killed before the archive is audited */
export async function surviveKills(kills: number, seed: number): Promise<void> {
  const folder = temporaryFolder()
  const dice = random(seed)
  for (let kill = 0; kill < kills; kill++) await killOne(folder.path, dice.int(1, 24), kill % 2 === 0 ? 7 : 25)
  const { seq, position } = JSON.parse(readFileSync(join(folder.path, 'commit.json'), 'utf8')) as {
    seq: number
    position: string
  }
  const archive = join(folder.path, 'archive')
  const sink = warcSink({ path: join(archive, 'pages.warc.gz'), rotateBytes: ROTATE_BYTES })
  await sink.open({ ...JOB, committedSeq: seq }, Buffer.from(position, 'base64'))
  await sink.close()
  assert.ok(seq > 0)
  await audit(archive, seq)
  await folder.remove()
}

async function killOne(folder: string, dots: number, size: number): Promise<void> {
  const child = spawn(process.execPath, ['--conditions=sluice-source', CHILD, folder, String(size)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  let seen = 0
  child.stdout.on('data', (chunk: Buffer) => {
    seen += chunk.length
    if (seen >= dots) child.kill('SIGKILL')
  })
  const [, signal] = (await ended) as [number | null, string | null]
  assert.equal(signal, 'SIGKILL', 'the child ended by itself')
}

/** Each settlement once, to an independent reader; each page found by its URL, with its own body. */
async function audit(folder: string, last: number): Promise<void> {
  const archive = openArchive(folder)
  const seqs: number[] = []
  const ids = new Set<string>()
  let records = 0
  for (const file of archive.files) {
    for (const { type, header, content } of await readWithWarcio(file)) {
      records++
      ids.add(header('WARC-Record-ID') ?? '')
      if (type === 'metadata') seqs.push((JSON.parse(String(content)) as { seq: number }).seq)
    }
    assert.ok(existsSync(file.replace('.warc.gz', '.cdxj')), `${file} has no index`)
  }
  const expected = Array.from({ length: last }, (_, i) => i + 1)
  assert.deepEqual(seqs, expected)
  assert.equal(ids.size, records, 'two records share an id')
  let next = 1
  for await (const page of archive.pages()) {
    assert.equal(page.url, `https://a.example/${next}`)
    assert.ok(Buffer.from(page.body).equals(bodyOf(next)), `the body of page ${next}`)
    next++
  }
  assert.equal(next, last + 1)
  assert.deepEqual(archive.breaks, [])
  for (const seq of expected.filter((one) => one % 47 === 1 || one > last - 10)) {
    const found = await archive.lookup(`https://a.example/${seq}`)
    assert.ok(Buffer.from(found?.body ?? []).equals(bodyOf(seq)), `lookup of page ${seq}`)
  }
}
