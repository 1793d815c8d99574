/** undici's and llhttp's errors, together with how far the reply had come, to our codes. */
import type { WireFailure } from './wire.ts'

/** How far an exchange has come on its connection. */
export const Stage = { waiting: 0, sent: 1, head: 2, body: 3 } as const
export type ReplyStage = (typeof Stage)[keyof typeof Stage]

/** The request was never written; whatever broke belongs to the one before it. */
export const NOT_WRITTEN: WireFailure = {
  code: 'CONNECTION_RESET',
  message: 'the connection broke before the request was written',
}

/** llhttp's reasons that concern the status line: what answers is no HTTP/1.x server. undici 8 leaves out its codes. */
const STATUS_LINE = /INVALID_(?:CONSTANT|VERSION|STATUS|METHOD)|Expected HTTP|version|status|Expected dot/i
/** How the messages of undici's parser errors begin; its class has neither a name nor always a code. */
const UNPARSED = 'Response does not match the HTTP/1.1 protocol'
/** llhttp met the end of the connection in the middle of a message. */
const CUT_OFF = /EOF_STATE|EOF state/

const RESETS = new Set([
  'ECONNRESET',
  'EPIPE',
  'ECONNABORTED',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTCONN',
])

/** @param named the origin, for messages. */
export function brokenReply(error: NodeJS.ErrnoException, stage: ReplyStage, named: string): WireFailure {
  const code = error.code ?? ''
  if (code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_NOT_SUPPORTED') {
    return { code: 'URL_INVALID', message: `cannot be asked for: ${error.message}`, cause: error }
  }
  if (stage === Stage.waiting) return NOT_WRITTEN
  if (code === 'UND_ERR_HEADERS_OVERFLOW') {
    return { code: 'HEADERS_TOO_LARGE', message: `${named} sent more header bytes than are taken`, cause: error }
  }
  if (error.message.startsWith(UNPARSED) || code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') {
    return parseFailure(error, code, stage, named)
  }
  if (code === 'UND_ERR_SOCKET') return closedFailure(error, stage, named)
  if (RESETS.has(code)) {
    return { code: 'CONNECTION_RESET', message: `${named} broke the connection (${code})`, cause: error }
  }
  // An assertion inside the parser: whatever the bytes were, they were no reply that it understands.
  return { code: 'BAD_FRAMING', message: `${named} sent a reply that cannot be read: ${error.message}`, cause: error }
}

function parseFailure(error: Error, code: string, stage: ReplyStage, named: string): WireFailure {
  const why = `${code} ${/\(([^)]*)\)$/.exec(error.message)?.[1] ?? error.message}`.trim()
  const cut = CUT_OFF.test(why)
  if (stage === Stage.body) {
    if (cut || code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') {
      return { code: 'TRUNCATED', message: `${named} closed the connection before the end of the body`, cause: error }
    }
    return { code: 'BAD_FRAMING', message: `${named} broke the framing of the body: ${why}`, cause: error }
  }
  if (cut) {
    return { code: 'TRUNCATED', message: `${named} closed the connection in the middle of the header`, cause: error }
  }
  if (STATUS_LINE.test(why))
    return { code: 'NOT_HTTP', message: `${named} does not answer in HTTP/1.1: ${why}`, cause: error }
  return { code: 'BAD_FRAMING', message: `${named} sent a header that cannot be read: ${why}`, cause: error }
}

function closedFailure(error: Error, stage: ReplyStage, named: string): WireFailure {
  if (error.message === 'bad upgrade') {
    return { code: 'UNEXPECTED_STATUS', message: `${named} switched protocols unasked (101)`, cause: error }
  }
  if (error.message === 'bad response' && stage === Stage.head) {
    return {
      code: 'UNEXPECTED_STATUS',
      message: `${named} answered 100 Continue to a request that did not ask for it`,
      cause: error,
    }
  }
  if (stage === Stage.sent)
    return { code: 'EMPTY_REPLY', message: `${named} closed the connection without an answer`, cause: error }
  if (stage === Stage.head)
    return { code: 'TRUNCATED', message: `${named} closed the connection in the middle of the header`, cause: error }
  return { code: 'TRUNCATED', message: `${named} closed the connection before the end of the body`, cause: error }
}
