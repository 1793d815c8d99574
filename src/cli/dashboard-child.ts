/**
 * The dashboard of a job that runs in this process, in a process of its own: whoever watches costs the fetching nothing.
 * It ends with this one, however this one ends.
 */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { SluiceError } from '../model/errors.ts'

export interface ChildDashboard {
  readonly url: string
  close(): void
}

/** @throws SluiceError OPTION_INVALID with what the child said. */
export async function openChildDashboard(folder: string, port: number, language: string): Promise<ChildDashboard> {
  const child = spawn(
    process.execPath,
    [process.argv[1] as string, 'ui', folder, '--port', String(port), '--lang', language],
    {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // Ctrl-C is for the job: it tells the dashboard when it has ended.
      detached: true,
    },
  )
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text))
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).once('line', resolve)
    child.once('error', reject)
    child.once('exit', () => {
      reject(new SluiceError('OPTION_INVALID', `the dashboard did not open: ${said.trim()}`))
    })
  })
  child.stdout?.destroy()
  child.stderr?.destroy()
  child.unref()
  child.channel?.unref()
  return {
    url,
    close: () => {
      if (child.connected) child.disconnect()
    },
  }
}
