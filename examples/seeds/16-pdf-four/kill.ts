/** Runs a command, kills it with everything it started after a second, says what it left in cut/, and runs it again. */
import { existsSync, readdirSync } from 'node:fs'
import { random, runAndKill } from 'sluice/testing'

const [command = '', ...args] = process.argv.slice(2)
const { exitCode } = await runAndKill({
  command,
  args,
  maxKills: 1,
  kill: { ms: [1000, 1000], random: random(1) },
  onRestart: () => console.log(`after the kill: ${existsSync('cut/big.bin') ? 'a' : 'no'} big.bin`),
})
console.log(
  `after the second run: ${readdirSync('cut')
    .filter((name) => !name.startsWith('.'))
    .join(' ')}, exit ${exitCode}`,
)
