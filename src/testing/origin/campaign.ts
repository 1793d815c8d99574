/** A target of campaigns: takes what is sent to it, remembers all of it, and shows it to whoever asks. */
import type { Behaviour } from './behaviour.ts'

/** One request that was taken, in the order of arrival. */
export interface Contact {
  readonly method: string
  readonly target: string
  /** As text, UTF-8. */
  readonly body: string
  /** Field Idempotency-Key, '' without one. */
  readonly key: string
}

/**
 * POST, PUT, PATCH and DELETE of /campaign are remembered and answered with 200, or with 500 where the body or the target
 * holds the text of `?fail=` once more. GET gives all of them, a line of JSON each.
 */
export function campaign(): Record<string, Behaviour> {
  const contacts: Contact[] = []
  return {
    campaign(_, request) {
      const { method, target, query } = request
      if (method === 'GET' || method === 'HEAD') {
        const body = contacts.map((contact) => `${JSON.stringify(contact)}\n`).join('')
        return { headers: { 'Content-Type': 'application/x-ndjson' }, body }
      }
      const body = request.body.toString()
      contacts.push({ method, target, body, key: request.header('idempotency-key') ?? '' })
      const fail = query.get('fail')
      const isFailed = fail !== null && (body.includes(fail) || target.split(encodeURIComponent(fail)).length > 2)
      return {
        status: isFailed ? 500 : 200,
        headers: { 'Content-Type': 'application/json' },
        body: `${JSON.stringify({ received: contacts.length })}\n`,
      }
    },
  }
}
