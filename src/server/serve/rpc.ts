/**
 * JSON-RPC 2.0: the operations of the API by their names. What a message may look like, batches, notifications and the
 * codes of errors are the specification's; what an operation does is the route's.
 */
export interface RpcAnswer {
  readonly status: number
  readonly body: unknown
}

/** Runs a method. Undefined: there is none of that name. */
export type RpcCall = (method: string, params: Readonly<Record<string, unknown>>) => Promise<RpcAnswer> | undefined

type Id = string | number | null

interface Reply {
  readonly jsonrpc: '2.0'
  readonly id: Id
  readonly result?: unknown
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown }
}

/** Messages of one batch. */
const MOST_MESSAGES = 100

export const RPC_ERRORS = { parse: -32700, request: -32600, method: -32601, params: -32602, server: -32000 } as const

/** The reply to a text: a message or a batch. Undefined: there is none to send. */
export async function answerRpc(text: string, call: RpcCall): Promise<Reply | readonly Reply[] | undefined> {
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch {
    return failure(null, RPC_ERRORS.parse, 'not JSON')
  }
  if (!Array.isArray(given)) return answerOne(given, call)
  if (given.length === 0 || given.length > MOST_MESSAGES)
    return failure(null, RPC_ERRORS.request, `a batch has 1 to ${MOST_MESSAGES} messages`)
  const replies: Reply[] = []
  // One after the other: what is said later may build on what was said before.
  for (const message of given as unknown[]) {
    const reply = await answerOne(message, call)
    if (reply !== undefined) replies.push(reply)
  }
  return replies.length === 0 ? undefined : replies
}

async function answerOne(message: unknown, call: RpcCall): Promise<Reply | undefined> {
  if (typeof message !== 'object' || message === null || Array.isArray(message))
    return failure(null, RPC_ERRORS.request, 'a message is an object')
  const { jsonrpc, method, params, id } = message as Record<string, unknown>
  const isId = typeof id === 'string' || typeof id === 'number' || id === null
  if (jsonrpc !== '2.0' || typeof method !== 'string' || (id !== undefined && !isId))
    return failure(isId ? id : null, RPC_ERRORS.request, 'not a request of JSON-RPC 2.0')
  const reply = await resultOf(method, params, isId ? id : null, call)
  return id === undefined ? undefined : reply
}

async function resultOf(method: string, params: unknown, id: Id, call: RpcCall): Promise<Reply> {
  if (params !== undefined && (typeof params !== 'object' || params === null || Array.isArray(params)))
    return failure(id, RPC_ERRORS.params, 'params is an object: fields by name')
  const running = call(method, (params ?? {}) as Record<string, unknown>)
  if (running === undefined) return failure(id, RPC_ERRORS.method, `there is no method ${JSON.stringify(method)}`)
  const { status, body } = await running
  if (status < 400) return { jsonrpc: '2.0', id, result: body ?? null }
  const {
    code = 'FAILED',
    message = `HTTP ${status}`,
    hint,
  } = (body as { error?: Record<string, string> })?.error ?? {}
  const data = { code, status, ...(hint === undefined ? {} : { hint }) }
  return failure(id, status === 400 ? RPC_ERRORS.params : RPC_ERRORS.server, message, data)
}

function failure(id: Id, code: number, message: string, data?: unknown): Reply {
  return { jsonrpc: '2.0', id, error: { code, message, ...(data === undefined ? {} : { data }) } }
}
