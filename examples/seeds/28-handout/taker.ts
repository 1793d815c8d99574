/** Asks for three numbers in one packet, says each on a line, and again until there is none. Argument: the port. */
import { connect } from 'node:net'
import { createInterface } from 'node:readline'

const AT_ONCE = 3
const socket = connect(Number(process.argv[2]), '127.0.0.1')
socket.on('error', () => process.exit(1))
socket.on('close', () => process.exit(1))
const ask = (): unknown => socket.write('take\n'.repeat(AT_ONCE))
ask()
let replies = 0
createInterface({ input: socket }).on('line', (line) => {
  if (line === 'none') process.exit(0)
  console.log(line)
  if (++replies % AT_ONCE === 0) ask()
})
