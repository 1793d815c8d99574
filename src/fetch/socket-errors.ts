/** Errors of names, sockets and TLS to our codes and to sentences that name the cause. Knows no client library. */
import type { WireFailure } from './wire.ts'

/** Out of descriptors, memory or ports: this machine's doing. */
const LOCAL = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'])

const SAID: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused the connection',
  ECONNRESET: 'reset the connection',
  EHOSTUNREACH: 'cannot be reached (no route to the host)',
  ENETUNREACH: 'cannot be reached (no route to its network)',
  EHOSTDOWN: 'is down',
  EACCES: 'may not be connected to (refused by this system)',
  EPERM: 'may not be connected to (refused by this system)',
}

export function nameFailure(error: NodeJS.ErrnoException | null, hostname: string): WireFailure {
  const code = error?.code
  if (error === null || code === 'ENOTFOUND' || code === 'ENODATA' || code === 'EAI_NONAME' || code === 'EAI_NODATA') {
    return {
      code: 'DNS_NOT_FOUND',
      message: `there is no host ${hostname}`,
      ...(error === null ? {} : { cause: error }),
    }
  }
  if (LOCAL.has(code ?? '') || code === 'EAI_MEMORY') {
    return {
      code: 'DNS_FAILED',
      message: `cannot look up ${hostname}: this machine is out of resources (${code})`,
      cause: error,
      local: true,
    }
  }
  if (code === 'ETIMEOUT' || code === 'ETIMEDOUT') {
    return { code: 'TIMEOUT_DNS', message: `looking up ${hostname} took too long`, cause: error }
  }
  return { code: 'DNS_FAILED', message: `cannot look up ${hostname} (${code ?? error.message})`, cause: error }
}

/** @param named what was connected to, for the message. */
export function connectFailure(error: Error | undefined, named: string): WireFailure {
  if (error === undefined) return { code: 'CONNECT_FAILED', message: `${named} closed the connection at once` }
  const tried =
    error instanceof AggregateError ? (error.errors as NodeJS.ErrnoException[]) : [error as NodeJS.ErrnoException]
  const code =
    tried.find((one) => one.code !== 'ETIMEDOUT')?.code ?? (error as NodeJS.ErrnoException).code ?? tried[0]?.code
  const local = tried.find(isLocal)
  if (local !== undefined) {
    return {
      code: 'CONNECT_FAILED',
      message: `cannot connect to ${named}: this machine is out of resources (${local.code})`,
      cause: error,
      local: true,
    }
  }
  if (code === 'ETIMEDOUT')
    return { code: 'TIMEOUT_CONNECT', message: `${named} did not accept a connection in time`, cause: error }
  return {
    code: 'CONNECT_FAILED',
    message: `${named} ${SAID[code ?? ''] ?? `cannot be connected to (${code ?? error.message})`}`,
    cause: error,
  }
}

function isLocal(error: NodeJS.ErrnoException & { address?: string }): boolean {
  if (LOCAL.has(error.code ?? '')) return true
  // For IPv6 it means that this machine has no such network, which asking again does not change.
  return error.code === 'EADDRNOTAVAIL' && !(error.address ?? '').includes(':')
}

export function tlsFailure(error: NodeJS.ErrnoException | undefined, named: string): WireFailure {
  if (error === undefined || error.code === 'ECONNRESET' || error.code === 'EPIPE') {
    return {
      code: 'TLS_FAILED',
      message: `${named} closed the connection during the TLS handshake`,
      cut: true,
      ...(error === undefined ? {} : { cause: error }),
    }
  }
  if (LOCAL.has(error.code ?? '')) {
    return {
      code: 'CONNECT_FAILED',
      message: `cannot connect to ${named}: this machine is out of resources (${error.code})`,
      cause: error,
      local: true,
    }
  }
  if (error.code === 'ERR_SSL_WRONG_VERSION_NUMBER' || error.code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG') {
    return { code: 'TLS_FAILED', message: `${named} does not speak TLS on this port`, cause: error }
  }
  return { code: 'TLS_FAILED', message: `TLS with ${named} failed: ${oneLine(error.message)}`, cause: error }
}

/** The connection broke while it was in use. */
export function resetFailure(error: NodeJS.ErrnoException, named: string): WireFailure {
  const why = error.code ?? oneLine(error.message)
  return { code: 'CONNECTION_RESET', message: `${named} broke the connection (${why})`, cause: error }
}

/** OpenSSL's messages end in a line break and carry an address of its source. */
function oneLine(message: string): string {
  const reason = /:SSL routines:[^:]*:([^:]+):/.exec(message)?.[1]
  return (reason ?? message).replaceAll(/\s+/g, ' ').trim()
}
