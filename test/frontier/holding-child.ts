/** Opens a durable frontier, adds one request, and holds on until it is killed. */
import { systemClock } from '../../src/engine/clock.ts'
import { sqliteFrontier } from '../../src/frontier/sqlite/index.ts'
import { fpOf, request } from '../../src/testing/frontier/lab.ts'

const { frontier } = await sqliteFrontier({
  path: process.argv[2] as string,
  clock: systemClock(),
  defaults: () => ({ delayMs: 0, conns: 1 }),
  inputFp: (source, ordinal) => fpOf(`${source} ${ordinal}`),
})
await frontier.add([request('http://a.test/')])
process.stdout.write('open\n')
setInterval(() => undefined, 60_000)
