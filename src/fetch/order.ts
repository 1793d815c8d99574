/** One request as it goes to the wire: made of a `FetchRequest` and the options by `http.ts`, read by the exchanges. */
import type { Limits } from './limits.ts'
import type { Part } from './part-folder.ts'
import type { Origin } from './wire.ts'

export interface Order {
  readonly url: string
  readonly origin: Origin
  readonly method: string
  /** Value of the Host field. */
  readonly host: string
  readonly target: string
  readonly headers: readonly string[]
  readonly body: Uint8Array | undefined
  readonly connections: number | undefined
  readonly limits: Limits
  /** Cap of this request where it has one of its own. */
  readonly maxBytes: number | undefined
  /** Goes to a proxy as it is, without a tunnel: a 407 is the proxy's. */
  readonly forwarded: boolean
  /** The body is void once the observer has been told. */
  readonly lendBody: boolean
  /** Name of its part; undefined: it takes none. */
  readonly part: bigint | undefined
  /** What an earlier attempt left: the headers ask for the rest of it. */
  readonly unfinished: Part | undefined
}
