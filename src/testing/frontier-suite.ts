/**
 * What every frontier must keep, wherever it stores its state: the points of the conformance list (docs/adr and
 * FRONTIER.md 3.1.1), run over an implementation with a clock that only the suite moves. It knows frontiers by their
 * interface only.
 */
import { describe, test } from 'node:test'
import type { Check } from './frontier/check.ts'
import { Lab } from './frontier/lab.ts'
import type { FrontierUnderTest } from './frontier/lab.ts'
import { adding } from './frontier/adding.ts'
import { claiming } from './frontier/claiming.ts'
import { following } from './frontier/following.ts'
import { politeness } from './frontier/politeness.ts'
import { recovery } from './frontier/recovery.ts'
import { settling } from './frontier/settling.ts'

export type { FrontierUnderTest, OpenOptions } from './frontier/lab.ts'

export interface FrontierSuiteOptions {
  /** Reason to skip all of it, or false. */
  readonly skip?: string | false
  /** Titles of single tests that do not apply, with the reason. */
  readonly gaps?: Readonly<Record<string, string>>
}

/** Registers the tests for a frontier with node:test. `make` gives a fresh, empty storage for each of them. */
export function frontierSuite(
  name: string,
  make: () => Promise<FrontierUnderTest>,
  options: FrontierSuiteOptions = {},
): void {
  describe(`${name} as a frontier`, { skip: options.skip ?? false }, () => {
    const check: Check = (title, body, needs) => {
      const gap = options.gaps?.[title]
      test(`${name} frontier: ${title}`, { skip: gap ?? false }, async (t) => {
        const storage = await make()
        if (needs === 'a store' && !storage.persistent) {
          t.skip('it keeps nothing')
          await storage.remove()
          return
        }
        const lab = new Lab(storage)
        try {
          await body(lab)
        } finally {
          await lab.end()
        }
      })
    }
    adding(check)
    claiming(check)
    politeness(check)
    settling(check)
    following(check)
    recovery(check)
  })
}
