/** Done against found over time, with where they will meet; the same as a sentence and as a table. */
import { useEffect, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import { clock, duration, number, t } from './words.ts'

export interface GrowthAnswer {
  readonly points: readonly { readonly at: number; readonly known: number; readonly done: number }[]
  readonly projection?: {
    readonly meets: boolean
    readonly inMs: number
    readonly known: number
    readonly foundPerSecond: number
    readonly donePerSecond: number
  }
}

const HEIGHT = 200

export function GrowthPlot({ growth }: { readonly growth: GrowthAnswer }) {
  const place = useRef<HTMLDivElement>(null)
  const [isTable, setTable] = useState(false)
  useEffect(() => {
    const element = place.current
    if (element === null || isTable) return undefined
    const plot = new uPlot(optionsOf(element), dataOf(growth), element)
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }))
    observer.observe(element)
    return () => {
      observer.disconnect()
      plot.destroy()
    }
  }, [growth, isTable])
  return (
    <figure>
      <figcaption>
        {t('ui.doneAgainstFound')}
        <button type="button" aria-pressed={isTable} onClick={() => setTable(!isTable)}>
          {t('ui.asTable')}
        </button>
      </figcaption>
      {isTable ? (
        <div class="scroll" tabIndex={0} role="region" aria-label={t('ui.doneAgainstFound')}>
          <table>
            <thead>
              <tr>
                <th scope="col">{t('ui.time')}</th>
                <th scope="col" class="figure">
                  {t('ui.found')}
                </th>
                <th scope="col" class="figure">
                  {t('ui.done')}
                </th>
              </tr>
            </thead>
            <tbody>
              {growth.points.map(({ at, known, done }) => (
                <tr key={at}>
                  <th scope="row">{clock(at)}</th>
                  <td class="figure">{number(known)}</td>
                  <td class="figure">{number(done)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        <div class="plot low" ref={place} aria-hidden="true" />
      )}
      <p class="quiet" data-projection={growth.projection?.meets}>
        {sentenceOf(growth)}
      </p>
    </figure>
  )
}

function sentenceOf({ points, projection }: GrowthAnswer): string {
  const last = points.at(-1)
  if (last === undefined) return t('ui.nothing')
  const figures = { known: last.known, done: last.done }
  if (projection === undefined) return t('ui.growthNow', figures)
  if (!projection.meets) return `${t('ui.growthNow', figures)} ${t('ui.growthApart')}`
  const ends = t('ui.growthMeets', { time: duration(projection.inMs), known: projection.known })
  return `${t('ui.growthNow', figures)} ${ends}`
}

function dataOf({ points, projection }: GrowthAnswer): uPlot.AlignedData {
  const last = points.at(-1)
  const times = points.map(({ at }) => at / 1000)
  const known: (number | null)[] = points.map((point) => point.known)
  const done: (number | null)[] = points.map((point) => point.done)
  const knownLater: (number | null)[] = points.map(() => null)
  const doneLater: (number | null)[] = points.map(() => null)
  if (last !== undefined && projection?.meets === true) {
    knownLater[points.length - 1] = last.known
    doneLater[points.length - 1] = last.done
    times.push((last.at + projection.inMs) / 1000)
    known.push(null)
    done.push(null)
    knownLater.push(projection.known)
    doneLater.push(projection.known)
  }
  return [times, known, done, knownLater, doneLater]
}

function optionsOf(element: HTMLElement): uPlot.Options {
  const style = getComputedStyle(element)
  const color = (name: string): string => style.getPropertyValue(name).trim()
  const axis = { stroke: color('--ink-2'), grid: { stroke: color('--line'), width: 1 }, ticks: { show: false } }
  const line = { width: 2, points: { show: false } }
  return {
    width: element.clientWidth,
    height: HEIGHT,
    cursor: { y: false },
    legend: { show: false },
    scales: { y: { range: (_plot, _low, high) => [0, Math.max(1, high * 1.05)] } },
    axes: [axis, { ...axis, size: 60 }],
    series: [
      {},
      { ...line, label: 'known', stroke: color('--accent') },
      { ...line, label: 'done', stroke: color('--ok') },
      { ...line, label: 'known', stroke: color('--accent'), dash: [6, 6] },
      { ...line, label: 'done', stroke: color('--ok'), dash: [6, 6] },
    ],
  }
}
