/** What the server answers, as far as the page uses it. */
export type Outcome = 'ok' | 'unchanged' | 'gone' | 'denied' | 'failed' | 'skipped'
export const OUTCOMES: readonly Outcome[] = ['ok', 'unchanged', 'gone', 'denied', 'failed', 'skipped']

export interface Frame {
  readonly job: string
  readonly kind: string
  readonly folder: string
  readonly status: string
  readonly live: boolean
  readonly run: number
  readonly known: number
  readonly doneTotal: number
  readonly done: Readonly<Record<Outcome, number>>
  readonly left: {
    readonly total: number
    readonly queued: number
    readonly delayed: number
    readonly inFlight: number
    readonly following: number
  }
  readonly total: number | null
  readonly reading: boolean
  readonly hosts: number
  readonly codes: Readonly<Record<string, number>>
  readonly statuses: Readonly<Record<string, number>>
  readonly perSecond: number
  readonly bytesPerSecond: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly eta: { readonly ms: number } | null
  readonly warnings: readonly { readonly code: string; readonly message: string }[]
  /** The server changes nothing. */
  readonly readOnly: boolean
  /** Number of the last settlement in the tables. */
  readonly seq: number
  readonly complete: boolean
}

export interface Page<Row> {
  readonly seq: number
  readonly matched: number
  readonly offset: number
  readonly rows: readonly Row[]
}

export interface UrlRow {
  readonly url: string
  readonly host: string
  readonly depth: number
  readonly state: Outcome | 'left'
  readonly record?: {
    readonly code?: string
    readonly status?: number
    readonly message?: string
    readonly mime?: string
    readonly bytes?: number
    readonly attempt: number
    readonly t: string
    readonly title?: string
    readonly ms?: Readonly<Record<string, number>>
  }
}

export interface UrlPage extends Page<UrlRow> {
  readonly facets: {
    readonly states: Readonly<Record<string, number>>
    readonly codes: Readonly<Record<string, number>>
  }
}

export interface HostRow {
  readonly host: string
  readonly known: number
  readonly left: number
  readonly done: Readonly<Record<Outcome, number>>
  readonly intervalMs: number
  readonly errors: number
}

export interface ErrorRow {
  readonly outcome: Outcome
  readonly code: string
  readonly host: string
  readonly urls: number
  readonly firstAt: number
  readonly lastAt: number
  readonly sample: string
}

export interface Series {
  readonly sliceMs: number
  readonly points: readonly { readonly at: number; readonly done: Readonly<Record<Outcome, number>> }[]
}

export interface SqlAnswer {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly unknown[])[]
  readonly more: boolean
}

export interface Why {
  readonly url: string
  readonly state: string
  readonly trail: readonly { readonly topic: string; readonly text: string }[]
  readonly record?: Readonly<Record<string, unknown>>
}
