/** Words that dialling and the transport share: where a connection leads, and why an exchange broke off. */
import type { ErrorCode } from '../model/errors.ts'

/** Scheme, host and port: what connections are kept by. */
export interface Origin {
  /** `http://host:port` as it stands in URLs (default port left out). */
  readonly key: string
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
  /** True: the peer closed in the middle of the TLS handshake. */
  readonly cut?: boolean
  /** The connection broke before a byte of the reply and had served before: the peer may just have closed it idle. */
  readonly stale?: boolean
}
