/** Talking to the server: JSON, the live stream, controls. The key is exchanged for a cookie once. */
import { signal } from '@preact/signals'
import { ofJob, ofRoot } from './place.ts'
import type { Frame } from './types.ts'

/** Newest snapshot of the job. */
export const frame = signal<Frame | undefined>(undefined)
/** `lost`: the server does not answer; it is asked again by itself. */
export const connection = signal<'opening' | 'open' | 'lost' | 'refused'>('opening')
/** What the server refused last, for the person who asked. */
export const complaint = signal<string>('')

const INTENT = { 'x-sluice-intent': 'dashboard' }

/** Takes the key out of the address and gives it to the server. */
export async function exchangeKey(): Promise<void> {
  const key = /^#k=(.+)$/.exec(location.hash)?.[1]
  if (key === undefined) return
  history.replaceState(null, '', location.pathname + location.search)
  await fetch(ofRoot('/key'), {
    method: 'POST',
    body: JSON.stringify({ key }),
    headers: { 'content-type': 'application/json' },
  })
}

/** @throws Error with the server's own sentence. */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await fetch(ofJob(path), signal === undefined ? {} : { signal })
  if (response.status === 401) connection.value = 'refused'
  if (!response.ok) throw new Error(await reasonOf(response))
  return (await response.json()) as T
}

/** Undefined where the server refused; the reason is in `complaint`. */
export async function post<T>(
  path: string,
  body: unknown = {},
  method: 'POST' | 'DELETE' = 'POST',
): Promise<T | undefined> {
  complaint.value = ''
  const response = await fetch(ofJob(path), {
    method,
    headers: { 'content-type': 'application/json', ...INTENT },
    body: JSON.stringify(body),
  })
  if (response.ok) return (await response.json()) as T
  complaint.value = await reasonOf(response)
  return undefined
}

export function watch(): void {
  const source = new EventSource(ofJob('/api/live'))
  source.addEventListener('frame', (event) => {
    connection.value = 'open'
    frame.value = JSON.parse((event as MessageEvent<string>).data) as Frame
  })
  source.addEventListener('error', () => {
    if (connection.value === 'open') connection.value = 'lost'
    // The browser tries again by itself, unless the server refused.
    if (source.readyState === EventSource.CLOSED) connection.value = 'refused'
  })
}

async function reasonOf(response: Response): Promise<string> {
  const answer = (await response.json().catch(() => undefined)) as
    | { error?: { message?: string; hint?: string } }
    | undefined
  const { message, hint } = answer?.error ?? {}
  return [message ?? `HTTP ${response.status}`, hint].filter((part) => part !== undefined).join(': ')
}
