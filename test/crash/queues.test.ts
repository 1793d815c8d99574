/** Queues over deaths: of their server, by `kill -9` in the middle of everything, and of a consumer. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { random } from '../../src/testing/random.ts'
import { post, runQueueServer } from '../queue/run-server.ts'
import type { RunningServer } from '../queue/run-server.ts'

/** The long form kills every 300 ms for 30 s. */
const KILLS = process.env['SLUICE_LONG'] === '1' ? 100 : 6
const MESSAGES = 400 * KILLS

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-queues-'))
  try {
    await run(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Kills the server and starts it again on its port, as often as said, whenever `due` resolves. */
async function killing(
  folder: string,
  first: RunningServer,
  kills: number,
  due: () => Promise<void>,
): Promise<RunningServer> {
  let server = first
  for (let kill = 0; kill < kills; kill++) {
    await due()
    await server.kill()
    server = await runQueueServer(folder, server.port)
  }
  return server
}

test('three clients take while the server is killed again and again, and no number is given twice', async () => {
  await inFolder(async (folder) => {
    const first = await runQueueServer(folder)
    const lines = Array.from({ length: MESSAGES }, (_, n) => `F${n}`).join('\n')
    assert.equal((await post(`${first.url}/numbers/lines`, lines))?.status, 201)
    const given: string[] = []
    const draw = random(28)
    let unanswered = 0
    let wanted = 0
    let reached: (() => void) | undefined
    const consumer = async (): Promise<void> => {
      for (;;) {
        const answer = await post(`${first.url}/numbers/take`)
        if (answer === undefined) unanswered++
        else if (answer.status === 204) return
        else {
          assert.equal(answer.status, 200)
          given.push(await answer.text())
          if (given.length >= wanted) reached?.()
        }
      }
    }
    const consumers = Promise.all([consumer(), consumer(), consumer()])
    const last = await killing(folder, first, KILLS, async () => {
      wanted = given.length + draw.int(20, 300)
      await Promise.race([new Promise<void>((resolve) => (reached = resolve)), consumers])
    })
    await consumers
    await last.kill()
    assert.equal(new Set(given).size, given.length, 'a number was given twice')
    const lost = MESSAGES - given.length
    assert.ok(lost <= 3 * KILLS, `${lost} lost, more than the ${3 * KILLS} replies that were under way`)
    assert.ok(unanswered > 0, 'nobody met a dead server')
  })
})

test('a server that is killed in the middle brings nothing back that was settled, and all that was not', async () => {
  await inFolder(async (folder) => {
    let server = await runQueueServer(folder)
    const draw = random(7)
    const added = new Set<string>()
    const settled = new Set<string>()
    const claims = new Map<string, string>()
    for (let round = 0; round < 5; round++) {
      const lines = Array.from({ length: 50 }, (_, n) => `${round}-${n}`)
      assert.equal((await post(`${server.url}/work/lines`, lines.join('\n')))?.status, 201)
      for (const line of lines) added.add(line)
      for (let i = 0; i < 40; i++) {
        const claimed = await post(`${server.url}/work/claim`, 'lease=10m')
        assert.equal(claimed?.status, 200)
        const value = await claimed.text()
        assert.ok(!settled.has(value), `${value} was settled and came back`)
        assert.ok(!claims.has(value), `${value} was given to a second one under its lease`)
        claims.set(value, claimed.headers.get('sluice-claim') ?? '')
        const chosen = [...claims.keys()][draw.int(0, claims.size - 1)] as string
        if (draw.int(0, 3) === 0) continue
        assert.equal((await post(`${server.url}/work/settle`, `claim=${claims.get(chosen)}`))?.status, 200, chosen)
        claims.delete(chosen)
        settled.add(chosen)
      }
      await server.kill()
      server = await runQueueServer(folder, server.port)
    }
    // A claim from before the deaths still stands, and can be given back.
    for (const claim of claims.values())
      assert.equal((await post(`${server.url}/work/release`, `claim=${claim}`))?.status, 200)
    for (;;) {
      const taken = await post(`${server.url}/work/take`)
      if (taken?.status !== 200) break
      const value = await taken.text()
      assert.ok(!settled.has(value), `${value} twice`)
      settled.add(value)
    }
    assert.deepEqual([...settled].toSorted(), [...added].toSorted())
    await server.kill()
  })
})
