/**
 * How far a stream has been read, as bytes that are committed with the records: the value the server is asked to go on
 * behind, and marks of the records since. A server that sends some of them again (its cursor is inclusive, or several
 * records share an id) is recognised by the marks, so each is stored once.
 */
import { crc32 } from 'node:zlib'
import type { RawRecord } from './decoder.ts'

/** Records since the last cursor that are recognised; a stream that names none goes on live and repeats nothing. */
const MARKS = 1_024

interface State {
  readonly v: 1
  readonly ordinal: number
  readonly value?: string
  readonly marks: readonly string[]
}

export class StreamCursor {
  readonly #valueOf: (record: RawRecord) => string | undefined
  /** Number of the next record, 0-based, over the life of the job. */
  ordinal = 0
  #value: string | undefined
  #marks: string[] = []
  /** Marks of records that the server may send again on the connection under way, in their order. */
  #expected: string[] = []

  /** @param field of the records that says how far they are, dotted; undefined: the event id of SSE */
  constructor(stored: Uint8Array | undefined, field: string | undefined) {
    this.#valueOf = field === undefined ? ({ id }) => id : (record) => fieldOf(record, field)
    if (stored === undefined) return
    const state = JSON.parse(Buffer.from(stored).toString()) as State
    this.ordinal = state.ordinal
    this.#value = state.value
    this.#marks = [...state.marks]
  }

  /** What the server is asked to go on behind; undefined: it has named nothing. */
  get value(): string | undefined {
    return this.#value
  }

  /** A new connection: what was stored since the cursor may come again. */
  connected(): void {
    this.#expected = this.#value === undefined ? [] : [...this.#marks]
  }

  /** Takes a record; false where it was stored before. */
  take(record: RawRecord): boolean {
    const mark = markOf(record)
    if (this.#expected.length > 0) {
      // A server that goes on behind may begin anywhere among them; anything else is new, and so is all that follows.
      const at = this.#expected.indexOf(mark)
      this.#expected = at < 0 ? [] : this.#expected.slice(at + 1)
      if (at >= 0) return false
    }
    const value = this.#valueOf(record)
    if (value !== undefined && value !== (this.#value ?? '')) {
      // The empty id takes the last one back (WHATWG HTML 9.2.6): there is nothing to go on behind.
      this.#value = value === '' ? undefined : value
      this.#marks = []
    }
    if (this.#value !== undefined && this.#marks.length < MARKS) this.#marks.push(mark)
    this.ordinal++
    return true
  }

  encode(): Uint8Array {
    const state: State = {
      v: 1,
      ordinal: this.ordinal,
      ...(this.#value === undefined ? {} : { value: this.#value }),
      marks: this.#marks,
    }
    return Buffer.from(JSON.stringify(state))
  }
}

function fieldOf({ text }: RawRecord, field: string): string | undefined {
  try {
    let value: unknown = JSON.parse(text, exactly)
    for (const name of field.split('.')) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
      value = (value as Record<string, unknown>)[name]
    }
    return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
  } catch {
    return undefined
  }
}

/** Numbers that JavaScript would round stay as they are written. */
function exactly(_name: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === 'number' && !Number.isSafeInteger(value) ? (context?.source ?? value) : value
}

/** Checksum and length: compared only with the few records before a reconnect. */
function markOf({ text, id = '', event = '' }: RawRecord): string {
  return `${crc32(`${id}\n${event}\n${text}`).toString(16)}.${text.length}`
}
