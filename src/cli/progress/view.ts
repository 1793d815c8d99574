/**
 * Shows how a running job is doing: takes snapshots at the pace of its kind and writes them to stderr. Lines that other
 * parts have to say go through it, so that they scroll above the bar. What a snapshot looks like is decided elsewhere.
 */
import type { Snapshot } from '../../job/job.ts'
import type { Catalog } from '../../locales/catalog.ts'
import { shareOf, totalOf } from '../render/counts.ts'
import type { Terminal } from '../terminal.ts'
import { renderBlock } from './bar.ts'
import { clockText, renderJson, renderLine, renderSentence } from './lines.ts'
import { LOOK_MS, REDRAW_MS, lineDelayMs, sentenceDue } from './schedule.ts'
import type { ProgressKind } from './schedule.ts'

export interface ProgressView {
  /** Writes lines above the live block, each with its newline. */
  say(text: string): void
  start(): void
  /** Takes the live block away; nothing is drawn afterwards. */
  stop(): void
}

export interface ViewOptions {
  readonly kind: ProgressKind
  readonly terminal: Terminal
  readonly catalog: Catalog
  readonly snapshot: () => Promise<Snapshot>
  /** Of the machine, ms. Tests hand in their own. */
  readonly now: () => number
  readonly wall: () => number
  /** Like `setTimeout`; returns the function that cancels. */
  readonly timer: (callback: () => void, ms: number) => () => void
}

export function createProgressView(options: ViewOptions): ProgressView {
  const { kind, terminal, catalog, snapshot, now, wall, timer } = options
  let cancel: (() => void) | undefined
  let running = false
  let drawn: string[] = []
  let count = 0
  let lastSaidAt = 0
  let lastShare = 0

  const erasure = (): string => (drawn.length === 0 ? '' : `\u001b[${drawn.length}A\r\u001b[J`)
  // One write for both: a terminal that shows the gap between them would flicker.
  const draw = (lines: string[]): void => {
    terminal.say(`${erasure()}${lines.join('\n')}\n`)
    drawn = lines
  }
  const nextMs = (): number => (kind === 'bar' ? REDRAW_MS : kind === 'plain' ? LOOK_MS : lineDelayMs(count))

  const show = (state: Snapshot): void => {
    count++
    switch (kind) {
      case 'bar':
        draw(renderBlock(state, { catalog, columns: terminal.columns(), paint: terminal.paint }))
        break
      case 'lines':
        terminal.say(`${renderLine(state, clockText(wall()))}\n`)
        break
      case 'json':
        terminal.say(`${renderJson(state, new Date(wall()).toISOString())}\n`)
        break
      case 'plain': {
        const total = totalOf(state)
        const share = total === null ? null : shareOf(state, total)
        if (!sentenceDue(share, lastShare, now() - lastSaidAt)) break
        lastSaidAt = now()
        lastShare = share ?? 0
        terminal.say(`${renderSentence(state, catalog)}\n`)
        break
      }
      case 'none':
        break
    }
  }

  const schedule = (): void => {
    cancel = timer(() => {
      snapshot().then(
        (state) => {
          if (!running) return
          show(state)
          schedule()
        },
        // The job is closing: its own error is reported by whoever runs it.
        () => undefined,
      )
    }, nextMs())
  }

  return {
    say(text) {
      const block = drawn.length === 0 ? '' : `${drawn.join('\n')}\n`
      terminal.say(erasure() + text + block)
    },
    start() {
      if (kind === 'none' || running) return
      running = true
      lastSaidAt = now()
      schedule()
    },
    stop() {
      running = false
      cancel?.()
      if (drawn.length > 0) terminal.say(erasure())
      drawn = []
    },
  }
}
