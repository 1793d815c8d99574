/** Adds to a durable frontier until it can store no more, and says how many it acknowledged and how it was told. */
import { systemClock } from '../../src/engine/clock.ts'
import { sqliteFrontier } from '../../src/frontier/sqlite/index.ts'
import { SluiceError } from '../../src/model/errors.ts'
import { fpOf, request } from '../../src/testing/frontier/lab.ts'

// A write beyond the limit of the shell that started us then fails instead of killing us.
process.on('SIGXFSZ', () => undefined)

const { frontier } = await sqliteFrontier({
  path: process.argv[2] as string,
  clock: systemClock(),
  defaults: () => ({ delayMs: 0, conns: 1 }),
  inputFp: (source, ordinal) => fpOf(`${source} ${ordinal}`),
})
let acknowledged = 0
const codes: string[] = []
for (let i = 0; i < 1_000 && codes.length < 2; i++) {
  try {
    await frontier.add(
      Array.from({ length: 1_000 }, (_, j) => request(`http://h${j % 10}.test/${i}/${j}/${'x'.repeat(60)}`)),
    )
    acknowledged += 1_000
  } catch (error) {
    codes.push(error instanceof SluiceError ? error.code : String(error))
  }
}
await frontier.close().catch(() => undefined)
process.stdout.write(JSON.stringify({ acknowledged, codes }))
