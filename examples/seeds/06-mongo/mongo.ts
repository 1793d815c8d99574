/**
 * Runs a command with a private server in place of `MONGODB` in its words. Kills the command when 4,000 documents are
 * stored, takes the server away for five seconds when 7,000 are, and says what is there at the end.
 */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { runAndKill } from 'sluice/testing'
import { startMongoDouble } from './mongo-double.ts'

const [command = '', ...words] = process.argv.slice(2)
const mongo = await startMongoDouble()

const { kills, exitCode, perRun } = await runAndKill({
  command,
  args: words.map((word) => word.replace(/^MONGODB/, mongo.url)),
  maxKills: 1,
  kill: { event: (_run, signal) => stored(4000, signal) },
  onRestart: () => void leaveAt(7000),
})
const said = perRun.map(({ stderr }) => stderr).join('')
console.log(`killed ${kills} times, ended with ${exitCode}`)
console.log(`said that the server was away: ${/does not answer/.test(said)}, and back: ${/answers again/.test(said)}`)
console.log(`rejected: ${/MongoDB: [\d.]+ MiB, a document may have 16 \(\d+\)/.exec(said)?.[0]}`)

const documents = mongo.documents('answers')
const people = new Set(documents.map(({ person }) => person))
console.log(`${documents.length} documents of ${people.size} people`)
// What each run gives the same: all but the numbers of the settlements.
const lines = documents.map((document) =>
  JSON.stringify(Object.entries(document).filter(([name]) => !/^_(id|seq|run|job|page)$/.test(name))),
)
console.log(`sha-256 ${createHash('sha256').update(lines.toSorted().join('\n')).digest('hex')}`)
await mongo.close()
// Where the command failed, somebody still waits for things that do not come.
process.exit()

async function stored(count: number, signal?: AbortSignal): Promise<void> {
  while (mongo.documents('answers').length < count) await sleep(10, undefined, { signal })
}

async function leaveAt(count: number): Promise<void> {
  await stored(count)
  await mongo.stop()
  await sleep(5000)
  await mongo.start()
}
