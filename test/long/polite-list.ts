/** Lists with few long hosts and many short ones, in a seeded order: the longest host decides how long a polite run takes. */
import { random } from '../../src/testing/random.ts'

export interface SkewedList {
  readonly hosts: number
  /** URLs of the longest host. */
  readonly longest: number
  readonly total: number
  readonly seed: number
}

/** `http://hN.test/p/K`, shuffled; host 0 is the longest, and no other host is longer. */
export function skewedList({ hosts, longest, total, seed }: SkewedList): string[] {
  const counts = Array.from({ length: hosts }, (_, n) => Math.max(1, Math.round(longest * (1 - n / hosts) ** 2.2)))
  let sum = counts.reduce((before, count) => before + count, 0)
  for (let at = 1; sum !== total; at = (at % (hosts - 1)) + 1) {
    const count = counts[at] as number
    const step = Math.sign(total - sum)
    if (count + step < 1 || count + step > longest) continue
    counts[at] = count + step
    sum += step
  }
  const urls = counts.flatMap((count, n) => Array.from({ length: count }, (_, k) => `http://h${n}.test/p/${k}`))
  return random(seed).shuffle(urls)
}
