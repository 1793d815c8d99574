/** Refusals of the service, and how they and other errors are answered. */
import type { Context } from 'hono'
import { SluiceError } from '../../model/errors.ts'

/** What the service answers where it does not do what it was asked: status, code, sentence, what to do instead. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: 400 | 403 | 404 | 409 | 413 | 429 | 503
  readonly code: string
  readonly hint: string | undefined
  /** Seconds after which it may work; sent as `Retry-After`. */
  readonly retryAfter: number | undefined

  constructor(
    status: Refusal['status'],
    code: string,
    message: string,
    { hint, retryAfter }: { readonly hint?: string; readonly retryAfter?: number } = {},
  ) {
    super(message)
    this.status = status
    this.code = code
    this.hint = hint
    this.retryAfter = retryAfter
  }
}

/** Errors that whoever asked can mend, with their code; anything else is ours, and only our log says what it was. */
export function answerRefusal(error: Error, context: Context): Response {
  if (error instanceof Refusal) {
    const { status, code, message, hint, retryAfter } = error
    if (retryAfter !== undefined) context.header('retry-after', String(retryAfter))
    return context.json({ error: { code, message, ...(hint === undefined ? {} : { hint }) } }, status)
  }
  if (error instanceof SluiceError) {
    const { code, message, hint } = error
    return context.json({ error: { code, message, ...(hint === undefined ? {} : { hint }) } }, 400)
  }
  console.error(error)
  return context.json({ error: { code: 'INTERNAL', message: 'the service failed; its log says why' } }, 500)
}
