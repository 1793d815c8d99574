/** What tests need that start a server of their own on loopback: its program, a port, and to know when it listens. */
import type { ChildProcess } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { delimiter, join } from 'node:path'

/** Path of a program, or undefined where the machine has none. */
export function findProgram(name: string): string | undefined {
  for (const folder of [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']) {
    try {
      const path = join(folder, name)
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // Not there.
    }
  }
  return undefined
}

/** For `skip`: false where the machine has the program, else the reason. Under `CI=true` its absence is an error. */
export function skipWithoutProgram(name: string): string | false {
  if (findProgram(name) !== undefined) return false
  if (process.env['CI'] === 'true') throw new Error(`${name} is not on this machine`)
  return `${name} is not on this machine`
}

/** A port of 127.0.0.1 on which nobody listens. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

/** Knocks until somebody opens; rejects if the process ends first. */
export async function listening(child: ChildProcess, port: number): Promise<void> {
  while (child.exitCode === null && child.signalCode === null) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
      socket.once('close', () => socket.destroy())
      socket.once('connect', () => socket.destroy())
    })
    if (open) return
    await new Promise((resolve) => setImmediate(resolve))
  }
  throw new Error(`${child.spawnfile} ended with ${child.exitCode ?? child.signalCode}`)
}
