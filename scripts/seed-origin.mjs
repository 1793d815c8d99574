/**
 * The site of one row of the seed lab, as a process of its own: `origin.ts` of the working folder, started with the
 * installed package. It tells its port, gives the row's projection of the ledger when asked, and ends with its parent.
 * `--broken` changes the status and the body of every answer, of every host: then the row has to be red.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const program = join(process.cwd(), 'origin.ts')
const { startOrigin } = await import(pathToFileURL(createRequire(program).resolve('sluice/testing')).href)
const { default: site, ledger } = await import(pathToFileURL(program).href)
const origin = await startOrigin(site)

if (process.argv.includes('--broken')) {
  const broken = { status: 410, headers: { 'Content-Type': 'text/plain' }, body: 'not what was there\n' }
  for (const host of new Set([...Object.keys(site.sites ?? {}), '*'])) origin.fault(host, () => broken)
}
process.on('message', () => process.send({ ledger: ledger?.(origin.ledger()) }))
process.on('disconnect', () => process.exit(0))
process.send({ port: origin.port })
