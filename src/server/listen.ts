/** The dashboard of one job on a port of this machine. */
import { serve } from '@hono/node-server'
import type { AddressInfo } from 'node:net'
import { openView } from '../job/index.ts'
import type { Language } from '../locales/catalog.ts'
import { SluiceError } from '../model/errors.ts'
import { createAccess } from './access.ts'
import { createApp } from './app.ts'
import { pageFiles } from './files.ts'
import { createLive } from './live.ts'

export interface DashboardInit {
  readonly folder: string
  /** Default 0: any that is free. */
  readonly port?: number
  readonly language: Language
  /** Default: random. */
  readonly key?: string
  /** Shows the job and changes nothing of it. Default false. */
  readonly readOnly?: boolean
}

export interface Dashboard {
  /** With the key in its fragment. */
  readonly url: string
  readonly port: number
  readonly key: string
  close(): Promise<void>
}

/** @throws SluiceError OPTION_INVALID (no such job, the port is taken). */
export async function openDashboard({
  folder,
  port = 0,
  language,
  key,
  readOnly = false,
}: DashboardInit): Promise<Dashboard> {
  const files = pageFiles()
  const view = openView(folder)
  const live = createLive(view, readOnly)
  let bound = port
  const access = createAccess(() => bound, key)
  const app = createApp({ view, access, live, files, language, readOnly })
  // Read while the page loads: the first table is there sooner.
  const reading = view.advance()
  reading.catch(() => undefined)
  const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port })
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('listening', resolve)
      server.once('error', reject)
    })
  } catch (cause) {
    live.close()
    await view.close()
    throw new SluiceError('OPTION_INVALID', `port ${port} cannot be used: ${(cause as Error).message}`, {
      cause,
      hint: 'name another one: --port 0 takes any that is free',
    })
  }
  bound = (server.address() as AddressInfo).port
  return {
    url: `http://127.0.0.1:${bound}/#k=${access.key}`,
    port: bound,
    key: access.key,
    close: async () => {
      live.close()
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        if ('closeAllConnections' in server) server.closeAllConnections()
      })
      await view.close()
    },
  }
}
