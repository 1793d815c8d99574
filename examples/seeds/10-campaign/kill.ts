/** Runs a command, kills it twice with everything it started, each time while four POSTs wait for an answer. */
import { runAndKill } from 'sluice/testing'

const [command = '', ...args] = process.argv.slice(2)
const { kills, exitCode, perRun } = await runAndKill({
  command,
  args,
  maxKills: 2,
  kill: {
    async event(run, signal) {
      const { ok, status } = await fetch(`http://${process.env['ORIGIN']}/held?count=${4 * run}`, { signal })
      if (!ok) throw new Error(`the site says ${status}`)
    },
  },
})
console.log(`killed ${kills} times, after ${perRun.length} runs it ended with ${exitCode}`)
