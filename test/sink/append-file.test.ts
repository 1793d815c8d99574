import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { AppendFile } from '../../src/sink/append-file.ts'
import { storeError } from '../../src/sink/store-error.ts'
import { temporaryFolder } from './storages.ts'

const run = promisify(execFile)
const always = () => true

test('after any order of appends, deaths and torn tails the file holds exactly the committed bytes', async () => {
  const step = fc.oneof(
    fc.record({
      do: fc.constant('append' as const),
      size: fc.oneof(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 4000, max: 9000 })),
    }),
    fc.record({ do: fc.constant('die' as const), torn: fc.integer({ min: 0, max: 5000 }) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const folder = temporaryFolder()
      const path = join(folder.path, 'a', 'b.bin')
      let file = new AppendFile({ path, durability: 'kill', followLink: true })
      file.open(undefined, always)
      let position = file.position()
      let expected = Buffer.alloc(0)
      let fill = 0
      try {
        for (const { do: what, ...size } of steps) {
          if ('size' in size) {
            const bytes = Buffer.alloc(size.size, (fill = (fill + 7) % 255) + 1)
            position = await file.append(bytes)
            expected = Buffer.concat([expected, bytes])
          } else {
            assert.equal(what, 'die')
            file.close()
            writeFileSync(path, Buffer.alloc(size.torn, 0xaa), { flag: 'a' })
            file = new AppendFile({ path, durability: 'kill', followLink: true })
            file.open(position, always)
          }
          assert.deepEqual(file.position(), position)
          assert.ok(readFileSync(path).equals(expected))
        }
      } finally {
        file.close()
        await folder.remove()
      }
    }),
    { numRuns: 60 },
  )
})

test('bytes that zeros follow after a power cut are cut without asking whose they are', async () => {
  const folder = temporaryFolder()
  const path = join(folder.path, 'x')
  const file = new AppendFile({ path, durability: 'kill', followLink: true })
  file.open(undefined, always)
  const position = await file.append(Buffer.from('kept\n'))
  file.close()
  writeFileSync(path, Buffer.alloc(8192), { flag: 'a' })
  file.open(position, () => false)
  file.close()
  assert.equal(readFileSync(path, 'utf8'), 'kept\n')
  await folder.remove()
})

test('a file over the size limit of the process is full: the batch is taken back and the earlier ones stay', async () => {
  const folder = temporaryFolder()
  const child = fileURLToPath(new URL('full-child.ts', import.meta.url))
  // 512 blocks of 1024 bytes; the signal that the kernel sends with EFBIG is ignored by Node.
  for (const kind of ['ndjson', 'csv', 'gzip', 'files', 'sqlite']) {
    const command = `ulimit -f 512; exec "$0" --conditions=sluice-source "$1" ${kind} "$2"`
    const { stdout } = await run('bash', ['-c', command, process.execPath, child, folder.path])
    const { code, ...counts } = JSON.parse(stdout) as {
      code: string
      stored: number
      atOnce: number
      committed: number
    }
    assert.equal(code, kind === 'sqlite' ? 'SINK_UNREACHABLE' : 'SINK_FULL', kind)
    assert.ok(counts.committed > 0, kind)
    assert.equal(counts.atOnce, counts.committed, kind)
    assert.equal(counts.stored, counts.committed, kind)
  }
  await folder.remove()
})

test('errors of the file system become the two words the job halts with', () => {
  const word = (code: string) => storeError('/x', Object.assign(new Error(`${code}: it failed`), { code })).code
  for (const code of ['ENOSPC', 'EDQUOT', 'EFBIG']) assert.equal(word(code), 'SINK_FULL')
  for (const code of ['EIO', 'EROFS', 'EACCES', 'ENOENT', 'EMFILE', 'EBADF'])
    assert.equal(word(code), 'SINK_UNREACHABLE')
  assert.equal(storeError('/x', 'no error').code, 'SINK_UNREACHABLE')
})

test('what cannot be a file is refused at open with the reason', async () => {
  const folder = temporaryFolder()
  const open = (path: string, followLink = true) =>
    new AppendFile({ path, durability: 'kill', followLink }).open(undefined, always)
  assert.throws(() => open('/dev/full'), { code: 'OPTION_INVALID' })
  assert.throws(() => open(folder.path), { code: 'SINK_UNREACHABLE', hint: /end the name in \// })
  writeFileSync(join(folder.path, 'plain'), '')
  assert.throws(() => open(join(folder.path, 'plain', 'x')), { code: 'SINK_UNREACHABLE' })
  symlinkSync(join(folder.path, 'plain'), join(folder.path, 'link'))
  assert.throws(() => open(join(folder.path, 'link'), false), { code: 'SINK_CHANGED' })
  await folder.remove()
})

test('a folder without write permission is unreachable', {
  skip: process.getuid?.() === 0 ? 'root may write anywhere' : false,
}, async () => {
  const folder = temporaryFolder()
  mkdirSync(join(folder.path, 'closed'))
  chmodSync(join(folder.path, 'closed'), 0o500)
  const file = new AppendFile({ path: join(folder.path, 'closed', 'x'), durability: 'kill', followLink: true })
  assert.throws(() => file.open(undefined, always), { code: 'SINK_UNREACHABLE' })
  await folder.remove()
})

test('a position of another version is refused as such', () => {
  const file = new AppendFile({ path: '/nowhere', durability: 'kill', followLink: true })
  for (const text of ['', 'x', '{}', '{"v":2,"offset":0,"crc":0}']) {
    assert.throws(() => file.open(Buffer.from(text), always), { code: 'FORMAT_UNSUPPORTED' })
  }
})
