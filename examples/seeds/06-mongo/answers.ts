import { defineExtractor } from 'sluice'

interface Answer {
  readonly person: string
  /** Megabytes. */
  readonly film?: number
}

export default defineExtractor({
  *extract(page) {
    for (const answer of page.json() as Answer[]) {
      if (answer.film === undefined) yield answer
      else yield { person: answer.person, film: 'x'.repeat(answer.film * 2 ** 20) }
    }
  },
  key: (answer) => answer.person,
})
