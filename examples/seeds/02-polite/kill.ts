/** Runs a command, kills it with everything it started after four seconds, and runs it again. */
import { random, runAndKill } from 'sluice/testing'

const [command = '', ...args] = process.argv.slice(2)
const { kills, exitCode, perRun } = await runAndKill({
  command,
  args,
  maxKills: 1,
  kill: { ms: [4000, 4000], random: random(1) },
})
console.log(`killed ${kills} time, after ${perRun.length} runs it ended with ${exitCode}`)
