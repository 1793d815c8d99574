/** Runs a command, kills it with everything it started after so many records, and runs it again. */
import { runAndKill } from 'sluice/testing'

const [records = '', command = '', ...args] = process.argv.slice(2)
let seen = 0
const { kills, exitCode, perRun } = await runAndKill({
  command,
  args,
  maxKills: 1,
  kill: { line: (line) => line.startsWith('{') && ++seen >= Number(records) },
})
const warned = perRun.some(({ stderr }) => stderr.includes('LOG_LOST'))
console.log(`killed ${kills} time, then it ended with ${exitCode}${warned ? ' and may have lost something' : ''}`)
