/**
 * How many URLs were known and done over the life of a job: a few hundred points whatever its length, kept with its commits,
 * and when the two will meet if it goes on like this. It must not know who asks.
 */

/** Position under which the points are kept with the frontier. */
export const GROWTH_POSITION = 'growth'

/** Points kept; when there are more, every second one goes and the rest come half as often. */
const MOST = 240
const FIRST_GAP_MS = 1_000
/** Share of the points, from the newest, that a projection looks at. */
const LOOKED_AT = 1 / 3
/** With fewer nothing is said of what is to come. */
const FEWEST = 4

export interface GrowthPoint {
  /** Wall-clock ms. */
  readonly at: number
  readonly known: number
  readonly done: number
}

export interface Projection {
  /** False: URLs are found faster than they are done. */
  readonly meets: boolean
  /** From the newest point on, ms; 0 where they do not meet. */
  readonly inMs: number
  /** URLs known by then. */
  readonly known: number
  readonly foundPerSecond: number
  readonly donePerSecond: number
}

export class Growth {
  #points: GrowthPoint[]
  #gapMs = FIRST_GAP_MS

  /** @param stored as `encode` gave it, of an earlier run */
  constructor(stored: Uint8Array | undefined) {
    this.#points = stored === undefined ? [] : pointsOf(stored)
  }

  /** True where there is something new to keep. */
  add(point: GrowthPoint): boolean {
    const last = this.#points.at(-1)
    if (last !== undefined && point.at - last.at < this.#gapMs) return false
    this.#points.push(point)
    while (this.#points.length > MOST) {
      this.#points = this.#points.filter((_, i) => i % 2 === 0)
      this.#gapMs *= 2
    }
    return true
  }

  encode(): Uint8Array {
    return Buffer.from(JSON.stringify(this.#points.map(({ at, known, done }) => [at, known, done])))
  }
}

export function pointsOf(stored: Uint8Array): GrowthPoint[] {
  const points = JSON.parse(Buffer.from(stored).toString('utf8')) as [number, number, number][]
  return points.map(([at, known, done]) => ({ at, known, done }))
}

/** Undefined while too little is known, and where all is done. */
export function projectionOf(points: readonly GrowthPoint[]): Projection | undefined {
  const last = points.at(-1)
  if (last === undefined || points.length < FEWEST || last.done >= last.known) return undefined
  const first = points[Math.floor((points.length - 1) * (1 - LOOKED_AT))] as GrowthPoint
  const seconds = (last.at - first.at) / 1000
  if (seconds <= 0) return undefined
  const foundPerSecond = (last.known - first.known) / seconds
  const donePerSecond = (last.done - first.done) / seconds
  const rates = { foundPerSecond, donePerSecond }
  if (donePerSecond <= foundPerSecond) return { meets: false, inMs: 0, known: last.known, ...rates }
  const inSeconds = (last.known - last.done) / (donePerSecond - foundPerSecond)
  return {
    meets: true,
    inMs: Math.round(inSeconds * 1000),
    known: Math.round(last.known + foundPerSecond * inSeconds),
    ...rates,
  }
}
