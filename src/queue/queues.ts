/**
 * What a queue of messages is: added once, handed out under a lease or for good, settled once. Any number of queues, made by
 * their first use. Two ways out: `claim` and `settle` is at least once (a consumer that dies costs a redelivery), `take` is at
 * most once (a reply that dies with its server is given to nobody). Knows no HTTP.
 */

/** `shared`: each message for one consumer. `broadcast`: each message for every reader, kept until newer ones push it out. */
export type Delivery = 'shared' | 'broadcast'

export interface NewMessage {
  readonly body: Uint8Array
  /** Content type. */
  readonly type: string
  /** After so many ms nobody gets it any more. Default: it stays. */
  readonly ttlMs?: number
}

export interface Message {
  /** Increasing over all queues of the store; never given twice. */
  readonly id: number
  readonly type: string
  readonly body: Uint8Array
  /** Which try this is: 1 + how often it was settled as failed. */
  readonly attempt: number
  /** Consumers that vanished with it: leases that ran out, streams that broke. */
  readonly crashes: number
  /** ISO 8601. */
  readonly addedAt: string
}

export interface ClaimedMessage extends Message {
  /** Names this one hand-out: number of the message, number of the hand-out. A later hand-out makes it stale. */
  readonly claim: string
  readonly leaseMs: number
}

export type MessageState = 'ready' | 'claimed' | 'delayed' | 'dead'

export interface ListedMessage extends Message {
  readonly state: MessageState
}

export interface QueueSettings {
  /** Changes only while the queue is empty. Default `shared`. */
  readonly delivery: Delivery
  /** Tries until a message that is settled as failed is a dead letter. Default 5. */
  readonly attempts: number
  /** Consumers that may vanish with a message until it is a dead letter. Default 20. */
  readonly crashes: number
  /** Messages that a broadcast queue keeps for readers who come back. Default 10,000. */
  readonly keep: number
}

export interface QueueStats extends QueueSettings {
  readonly name: string
  readonly paused: boolean
  /** Now. */
  readonly ready: number
  readonly claimed: number
  readonly delayed: number
  readonly dead: number
  /** Over the life of the queue: `added` = `done` + `expired` + `purged` + what is there now. */
  readonly added: number
  readonly done: number
  readonly failed: number
  readonly redelivered: number
  readonly expired: number
  readonly purged: number
}

export interface Want {
  /** Messages. Default 1. */
  readonly max?: number
  /** Resolves with none only after so many ms. Default 0. */
  readonly waitMs?: number
  /** Ends the wait. */
  readonly signal?: AbortSignal
}

/** The end of a claim. `afterMs`: not handed out sooner. `lost`: its consumer has vanished. */
export type Verdict =
  | { readonly as: 'done' }
  | { readonly as: 'failed' | 'released'; readonly afterMs?: number }
  | { readonly as: 'lost' }

export interface Reading {
  readonly messages: readonly Message[]
  /** Messages behind `after` are gone unread, up to this number. */
  readonly goneTo?: number
}

/** Whatever resolves has been committed: it survives `kill -9`. */
export interface Queues extends AsyncDisposable {
  /** Numbers in the order of the messages. */
  add(name: string, messages: readonly NewMessage[]): Promise<readonly number[]>
  /** First in, first out. @throws SluiceError OPTION_INVALID for a broadcast queue */
  claim(name: string, want: Want & { readonly leaseMs: number }): Promise<readonly ClaimedMessage[]>
  /** Claims and settles at once. @throws SluiceError OPTION_INVALID for a broadcast queue */
  take(name: string, want?: Want): Promise<readonly Message[]>
  /** Stale ones (settled, expired and handed out again, never given) change nothing. */
  settle(name: string, claims: readonly string[], verdict: Verdict): Promise<{ readonly stale: readonly string[] }>
  /** The lease ends so many ms from now. */
  extend(name: string, claims: readonly string[], leaseMs: number): Promise<{ readonly stale: readonly string[] }>
  /** How many of these claims stand. */
  held(name: string, claims: Iterable<string>): string[]
  /** Messages of a broadcast queue behind a number. */
  read(name: string, after: number, max: number): Promise<Reading>
  /** Changes nothing. */
  list(name: string, query: { state?: MessageState; after?: number; max?: number }): readonly ListedMessage[]
  /** Dead letters are ready again, with their tries counted anew; all where none is named. Returns how many. */
  requeue(name: string, ids?: readonly number[]): Promise<number>
  /** Throws messages away, claimed ones too. Returns how many. */
  purge(name: string, what: 'all' | 'dead'): Promise<number>
  /** Claims, takes and readers wait while it is paused; what is added is kept. */
  pause(name: string, paused: boolean): Promise<void>
  /** @throws SluiceError OPTION_INVALID where `delivery` changes and messages are left */
  set(name: string, settings: Partial<QueueSettings>): Promise<void>
  /** Undefined: there is none of that name. */
  stats(name: string): QueueStats | undefined
  all(): readonly QueueStats[]
  /** The queue with everything in it. False: there was none. */
  remove(name: string): Promise<boolean>
  /** Number of the newest message that was ever added to the queue, 0 before. */
  newest(name: string): number
  /** Grows with each commit that changes the queue. Ask before looking, so that no change is missed in between. */
  version(name: string): number
  /** Resolves when the version is another than `since`, when a message comes due, or after `waitMs`. */
  change(name: string, since: number, waitMs: number, signal?: AbortSignal): Promise<void>
  close(): Promise<void>
}
