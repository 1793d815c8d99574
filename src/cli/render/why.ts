/** The answer to `sluice why`: the verdict, then the facts in the order in which they decided. */
import type { Why } from '../../job/job.ts'
import { padEnd, visible } from './format.ts'
import type { Paint } from '../terminal.ts'

export function renderWhy(why: Why, paint: Paint): string[] {
  const verdict =
    why.outcome === undefined ? why.state : why.code === undefined ? why.outcome : `${why.outcome}: ${why.code}`
  const width = Math.max(0, ...why.trail.map(({ topic }) => topic.length)) + 2
  const lines = [paint('bold', verdict), ` ${visible(why.url)}`]
  for (const { topic, text } of why.trail) {
    visible(text)
      .split('\n')
      .forEach((part, i) => {
        lines.push(` ${i === 0 ? paint('dim', padEnd(topic, width)) : ' '.repeat(width)}${part}`)
      })
  }
  return lines
}
