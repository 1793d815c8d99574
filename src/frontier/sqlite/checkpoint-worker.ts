/** Worker thread: one PASSIVE checkpoint a message, on a connection of its own. */
import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'

const { path } = workerData as { path: string }
const db = new DatabaseSync(path)
db.exec('PRAGMA wal_autocheckpoint=0; PRAGMA busy_timeout=5000')
const checkpoint = db.prepare('PRAGMA wal_checkpoint(PASSIVE)')

parentPort?.on('message', () => {
  checkpoint.get()
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort?.postMessage('moved')
})
