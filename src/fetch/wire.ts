/** Words that dialling and the transport share: where a connection leads, and why an exchange broke off. */
import type { ErrorCode } from '../model/errors.ts'
import type { Proxy } from './proxy.ts'

/** Scheme, host and port, and the way there. */
export interface Origin {
  /** `http://host:port` as it stands in URLs (default port left out). */
  readonly key: string
  /** What connections and TLS sessions are kept by: the key, and the identity of the proxy. Never shown. */
  readonly route: string
  /** Undefined: connected to directly. */
  readonly proxy: Proxy | undefined
  readonly secure: boolean
  /** Without brackets. */
  readonly hostname: string
  readonly port: number
}

/** Why an exchange broke off. */
export interface WireFailure {
  readonly code: ErrorCode
  /** For people, English, names the cause; never holds credentials. */
  readonly message: string
  readonly cause?: unknown
  /** True: out of descriptors or ports, nothing the site did. */
  readonly local?: boolean
  /** True: a file of ours could not be written. */
  readonly disk?: boolean
  /** True: the answer does not fit the part it was to go on with. */
  readonly again?: boolean
  /**
   * True: the peer closed in the middle of the TLS handshake, or broke HTTP/2 and is asked by HTTP/1.1 from now on: worth
   * one more try, whatever the code.
   */
  readonly cut?: boolean
  /** True: a proxy wants a login, or another one than ours. */
  readonly unauthorized?: boolean
  /** True: the peer says that it has done nothing with the request. */
  readonly unprocessed?: boolean
  /** The connection broke before a byte of the reply and had served before: the peer may just have closed it idle. */
  readonly stale?: boolean
}
