/** What the parts of one running engine share. Built once by `createEngine`; no behaviour of its own. */
import type { ExtractorPool } from '../extract/extraction.ts'
import type { Likeness, PageScanner, WordingReader } from '../extract/extractor.ts'
import type { Fetcher } from '../fetch/fetcher.ts'
import type { Frontier } from '../frontier/frontier.ts'
import type { Clock } from '../model/clock.ts'
import type { Response } from '../model/response.ts'
import type { Geo, PageRecord } from '../model/record.ts'
import type { TrapGuard } from '../policy/traps.ts'
import type { Session } from '../session/session.ts'
import type { Sink } from '../sink/sink.ts'
import type { Source } from '../source/source.ts'
import type { Fingerprint } from '../url/fingerprint.ts'
import type { Bus } from './bus.ts'
import type { ExtractionReport } from './extraction-report.ts'
import type { Handler } from './handler.ts'
import type { Hosts } from './hosts.ts'
import type { Metrics } from './metrics.ts'
import type { RobotsGate } from './robots-gate.ts'
import type { EngineSettings } from './settings.ts'

/** Pages handed to user code before they are settled (`fetchAll`). */
export interface Consumer {
  /** Resolves with how many of `pages`, from the front, were taken: those are settled, the rest goes back. */
  offer(pages: readonly SettledPage[]): Promise<number>
}

export interface SettledPage {
  readonly record: PageRecord
  readonly response: Response | undefined
}

export interface SitemapEntry {
  readonly loc: string
}

/** `sitemaps` are further files to read; '' entries never occur. */
export interface Sitemap {
  readonly urls: readonly SitemapEntry[]
  readonly sitemaps: readonly string[]
}

export interface EngineParts {
  readonly settings: EngineSettings
  readonly clock: Clock
  readonly frontier: Frontier
  readonly fetcher: Fetcher
  /** Cookies, authorization and login; undefined: everything is fetched as anybody would see it. */
  readonly session: Session | undefined
  readonly scanner: PageScanner
  /** What a page says, for the guard against endless sites. */
  readonly wording: WordingReader
  /** Undefined: nobody asks which pages are alike. */
  readonly likeness: Likeness | undefined
  /** Runs extractor modules; undefined where the job has none. */
  readonly pool: ExtractorPool | undefined
  /** Hooks by name; `*` is for requests that no other is for. */
  readonly handlers: Readonly<Record<string, Handler>>
  readonly readSitemap: (body: Uint8Array, url: string) => Sitemap
  readonly fingerprint: Fingerprint
  readonly sinks: readonly Sink[]
  readonly sources: readonly Source[]
  /** Positions as committed: sources continue from theirs. */
  readonly positions: ReadonlyMap<string, Uint8Array>
  readonly bus: Bus
  readonly consumer: Consumer | undefined
  /** Country and network of an address, where the job has files that say so. */
  readonly geoOf: ((address: string) => Geo | undefined) | undefined
  /** Standard output: lines of records that are committed; resolves when there is room for more. */
  readonly print: ((lines: string) => Promise<void> | void) | undefined
  /** Resolves a host to the address it would connect to; only asked for the IP gate. */
  readonly addressOf: ((url: string) => Promise<string | undefined>) | undefined
  /** Reads a spooled body (sitemaps, pages over the spool size). */
  readonly readFile: (path: string) => Uint8Array
  /** Of a spooled body; parts stay. */
  readonly removeFile: (path: string) => void
  /** The request of this name is settled for good: its part goes. */
  readonly removePart: (name: bigint) => void
  /** Highest number committed so far. */
  readonly seq: number
  /** Settled other than skipped, before this run. */
  readonly settledBefore: number
}

export interface Context extends EngineParts {
  readonly hosts: Hosts
  readonly robots: RobotsGate
  readonly metrics: Metrics
  readonly report: ExtractionReport
  /** Undefined: nobody follows links, or endless sites are wanted. */
  readonly traps: TrapGuard | undefined
}
