/** Runs `bin/sluice.js` as a child process of its own, in a directory of its own. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const BIN = fileURLToPath(new URL('../../bin/sluice.js', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Started {
  readonly child: ChildProcess
  /** Resolves when the process has ended and its streams are closed. */
  readonly ended: Promise<Ended>
  /** Resolves once stderr holds the text; rejects if the process ends first. */
  said(text: string): Promise<void>
  /** What it has written there so far. */
  stderr(): string
}

export interface StartOptions {
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  /** `pipe`: an open pipe that the caller ends; `ignore`: /dev/null. */
  readonly stdin?: 'pipe' | 'ignore'
  /** Commands of a POSIX shell that run before it, in its process: limits that it inherits. */
  readonly shell?: string
}

/** An environment in which nothing of the machine's own settings shows. */
function cleanEnv(cwd: string): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', HOME: cwd, XDG_CONFIG_HOME: join(cwd, '.config'), LANG: 'C' }
}

export function start(args: readonly string[], { cwd, env = {}, stdin = 'ignore', shell }: StartOptions): Started {
  const command = [process.execPath, BIN, ...args] as const
  const [program, ...words] = shell === undefined ? command : ['sh', '-c', `${shell}; exec "$@"`, 'sh', ...command]
  const child = spawn(program as string, words, {
    cwd,
    env: { ...cleanEnv(cwd), ...env },
    stdio: [stdin, 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  const waiting = new Set<() => void>()
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk))
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk
    for (const look of waiting) look()
  })
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })
  return {
    child,
    ended,
    stderr: () => stderr,
    said: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!stderr.includes(text)) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
        ended.then(() => reject(new Error(`ended without saying ${JSON.stringify(text)}:\n${stderr}`)), reject)
      }),
  }
}

export function runCli(args: readonly string[], options: StartOptions): Promise<Ended> {
  return start(args, options).ended
}

/** A directory for one test, removed after it. */
export async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-cli-'))
  try {
    await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
