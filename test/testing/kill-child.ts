/** Counts its starts in a file, says so, and ends by itself only at the start that is asked for. */
import { appendFileSync, readFileSync } from 'node:fs'
import { spawn } from 'node:child_process'

const [file = '', endAt = '1', mode = ''] = process.argv.slice(2)
appendFileSync(file, '.')
const starts = readFileSync(file, 'utf8').length
console.log(`start ${starts}`)
if (mode === 'grandchild' && starts === 1) {
  // Holds our stdout open: only the death of the whole group closes it.
  spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: ['ignore', 'inherit', 'inherit'] })
}
console.error(`ready ${starts}`)
if (starts >= Number(endAt)) process.exitCode = 3
else setInterval(() => {}, 1000)
