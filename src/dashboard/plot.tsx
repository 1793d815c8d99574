/** Settlements over time as stacked bars, with a text summary and the same figures as a table for those who cannot see it. */
import { useEffect, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { OUTCOMES } from './types.ts'
import type { Series } from './types.ts'
import { clock, number, t } from './words.ts'

const HEIGHT = 220

export function Plot({ series }: { readonly series: Series }) {
  const place = useRef<HTMLDivElement>(null)
  const [isTable, setTable] = useState(false)
  useEffect(() => {
    const element = place.current
    if (element === null || isTable || series.points.length === 0) return undefined
    const plot = new uPlot(optionsOf(element, series), dataOf(series), element)
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }))
    observer.observe(element)
    return () => {
      observer.disconnect()
      plot.destroy()
    }
  }, [series, isTable])
  const seconds = series.sliceMs / 1000
  const rates = series.points.map(({ done }) => OUTCOMES.reduce((sum, word) => sum + done[word], 0) / seconds)
  return (
    <figure>
      <figcaption>
        {t('ui.perSecond')}
        <button type="button" aria-pressed={isTable} onClick={() => setTable(!isTable)}>
          {t('ui.asTable')}
        </button>
      </figcaption>
      {isTable ? (
        <div class="scroll" tabIndex={0} role="region" aria-label={t('ui.perSecond')}>
          <table>
            <thead>
              <tr>
                <th scope="col">{t('ui.time')}</th>
                {OUTCOMES.map((word) => (
                  <th scope="col" class="figure" key={word}>
                    {word}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {series.points.map(({ at, done }) => (
                <tr key={at}>
                  <th scope="row">{clock(at)}</th>
                  {OUTCOMES.map((word) => (
                    <td class="figure" key={word}>
                      {number(done[word])}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        <div class="plot" ref={place} aria-hidden="true" />
      )}
      <p class="quiet">
        {rates.length === 0
          ? t('ui.nothing')
          : t('ui.plotText', {
              most: number(Math.round(Math.max(...rates))),
              mean: number(Math.round(rates.reduce((sum, rate) => sum + rate, 0) / rates.length)),
            })}
      </p>
    </figure>
  )
}

/** Stacked from above: each band is drawn down to zero, and the next one over it. */
function dataOf({ points, sliceMs }: Series): uPlot.AlignedData {
  const stacked = OUTCOMES.map((_, from) =>
    points.map(({ done }) => OUTCOMES.slice(from).reduce((sum, word) => sum + done[word], 0) / (sliceMs / 1000)),
  )
  return [points.map(({ at }) => at / 1000), ...stacked]
}

function optionsOf(element: HTMLElement, { points, sliceMs }: Series): uPlot.Options {
  const first = (points[0]?.at ?? 0) / 1000
  const last = (points.at(-1)?.at ?? 0) / 1000 + sliceMs / 1000
  const style = getComputedStyle(element)
  const color = (name: string): string => style.getPropertyValue(name).trim()
  const axis = { stroke: color('--ink-2'), grid: { stroke: color('--line'), width: 1 }, ticks: { show: false } }
  const bars = uPlot.paths.bars?.({ size: [1, 100] })
  return {
    width: element.clientWidth,
    height: HEIGHT,
    cursor: { y: false },
    legend: { show: false },
    scales: {
      x: { range: () => [first - sliceMs / 2000, last] },
      y: { range: (_plot, _low, high) => [0, Math.max(1, high)] },
    },
    axes: [axis, { ...axis, size: 48 }],
    series: [
      {},
      ...OUTCOMES.map((word) => ({
        label: word,
        fill: color(`--${word}`),
        width: 0,
        points: { show: false },
        ...(bars === undefined ? {} : { paths: bars }),
      })),
    ],
  }
}
