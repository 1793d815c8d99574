/**
 * `--json`: events as NDJSON on stdout, numbered and versioned. Never translated. It is handed events after their commit
 * and must not print anything that could still be lost.
 */
import type { JobEvent } from '../job/job.ts'
import type { EventType, PrintedEvent } from '../model/event.ts'

/** Printed without `--json=all`. */
export const DEFAULT_TYPES = [
  'request.settled',
  'warning.raised',
  'job.started',
  'job.recovered',
  'job.paused',
  'job.resumed',
  'job.stopped',
  'job.finished',
] as const satisfies readonly EventType[]

function isPrintedByDefault(type: EventType): boolean {
  return (DEFAULT_TYPES as readonly EventType[]).includes(type)
}

/** One event in its printed form. A settlement's number is its `seq`. */
export function printedEvent(event: JobEvent, job: string): PrintedEvent {
  const { type, id, t, ...data } = event as JobEvent & { seq?: number }
  const number = id ?? (data as { seq?: number }).seq
  return { v: 1, ...(number === undefined ? {} : { id: number }), type, t, job, ...data } as PrintedEvent
}

export interface EventPrinter {
  live(event: JobEvent): void
  /** Events of the past (`--after`): already in printed form. Live ones with a number not above them are left out. */
  past(event: PrintedEvent): void
  /** Writes what is held back. */
  flush(): void
}

/** Held back at most until the end of the event-loop turn or this many characters: a write per event costs too much. */
const FLUSH_CHARS = 65_536

export function createEventPrinter(
  job: string,
  which: 'settled' | 'all',
  write: (text: string) => void,
  later: (flush: () => void) => void,
): EventPrinter {
  let held = ''
  let waiting = false
  let lastPast = -1
  const flush = (): void => {
    waiting = false
    if (held === '') return
    const text = held
    held = ''
    write(text)
  }
  const add = (event: PrintedEvent): void => {
    held += `${JSON.stringify(event)}\n`
    if (held.length >= FLUSH_CHARS) flush()
    else if (!waiting) {
      waiting = true
      later(flush)
    }
  }
  return {
    live(event) {
      if (which !== 'all' && !isPrintedByDefault(event.type)) return
      const printed = printedEvent(event, job)
      if (printed.id === undefined || printed.id > lastPast) add(printed)
    },
    past(event) {
      if (event.id !== undefined && event.id > lastPast) lastPast = event.id
      if (which === 'all' || isPrintedByDefault(event.type)) add(event)
    },
    flush,
  }
}
