/** The queues of a service: opened with the first request for one, in the service's own folder. What they do is `../queue-api.ts`'s. */
import { Hono } from 'hono'
import { openQueues } from '../../job/index.ts'
import type { Queues } from '../../job/index.ts'
import { queueApi } from '../queue-api.ts'
import { NOBODY } from './front.ts'
import type { App, Bindings } from './front.ts'
import { Refusal } from './refusal.ts'

export interface QueueMount {
  /** Routes below `/queues`, for those who were let in. */
  fetch(request: Request, env: Bindings): Response | Promise<Response>
  close(): Promise<void>
}

/** @param folder of the queues; made when it is needed */
export function queueMount(folder: string): QueueMount {
  let queues: Queues | undefined
  let app: App | undefined
  const opened = (): App => {
    if (app !== undefined) return app
    queues = openQueues({ folder })
    app = new Hono()
    app.route('/queues', queueApi({ queues }))
    return app
  }
  return {
    fetch(request, env) {
      // No GET changes anything.
      if (request.method !== 'GET' && !(env.person ?? NOBODY).mayChange)
        throw new Refusal(403, 'READ_ONLY', 'this key, or the whole service, is for reading only')
      return opened().fetch(request, env)
    },
    close: async () => queues?.close(),
  }
}
