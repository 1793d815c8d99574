/** Builds the page record of a settlement from a claim and what came of it. */
import type { Claim } from '../frontier/frontier.ts'
import type { PageFacts } from '../extract/extractor.ts'
import type { ErrorCode } from '../model/errors.ts'
import type { OutcomeWord } from '../model/outcome.ts'
import type { Alike, Geo, PageRecord } from '../model/record.ts'
import type { Response } from '../model/response.ts'
import { detach } from '../url/detach.ts'

/** Flag of a page that is gone and was there before. */
export const TOMBSTONE = 'tombstone'

/** A record before its settlement is numbered: `seq`, `run` and `t` are set when its group is committed. */
export type Draft = { -readonly [Field in keyof PageRecord]: PageRecord[Field] }

export interface DraftInit {
  readonly outcome: OutcomeWord
  readonly code?: ErrorCode | undefined
  readonly message?: string | undefined
  readonly final?: string | undefined
  readonly response?: Response | undefined
  readonly address?: string | undefined
  readonly facts?: PageFacts | undefined
  readonly charset?: string | undefined
  readonly robots?: readonly string[] | undefined
  readonly flags?: readonly string[] | undefined
  readonly alike?: Alike | undefined
}

/** Fields are set in the order in which they are printed. */
export function draftOf(claim: Claim, init: DraftInit, geoOf?: (address: string) => Geo | undefined): Draft {
  const url = claim.rootUrl ?? claim.url
  const draft = { url } as Draft
  const final = init.final ?? (claim.root === undefined ? undefined : claim.url)
  if (final !== undefined && final !== url) draft.final = final
  draft.outcome = init.outcome
  if (init.code !== undefined) draft.code = init.code
  if (init.message !== undefined && init.message !== '') draft.message = init.message
  const { response, facts } = init
  const { meta, input } = claim
  if (response !== undefined) {
    draft.status = response.status
    if (response.contentType !== '') draft.mime = response.contentType
    const charset = facts?.charset ?? init.charset
    if (charset !== undefined) draft.charset = charset
    draft.bytes = response.size
    const digest = init.outcome === 'unchanged' ? (meta?.digest ?? response.digest) : response.digest
    if (digest !== '') draft.digest = digest
  }
  if (facts !== undefined) {
    if (facts.title !== '') draft.title = detach(facts.title)
    if (facts.canonical !== undefined) draft.canonical = detach(facts.canonical)
  }
  if (init.robots !== undefined && init.robots.length > 0) draft.robots = init.robots
  draft.depth = claim.depth
  if (meta?.from !== undefined) draft.from = meta.from
  if (meta?.via !== undefined) draft.via = meta.via
  // URLs given by name have no lines.
  if (input !== undefined && meta?.via === undefined) {
    draft.input = { line: meta?.line ?? input.ordinal + 1, ...meta?.columns }
  }
  if (claim.chain !== undefined && claim.chain.length > 0) draft.chain = claim.chain
  const etag = response?.header('etag') ?? meta?.etag
  if (etag !== undefined) draft.etag = etag
  const lastModified = response?.header('last-modified') ?? meta?.lastModified
  if (lastModified !== undefined) draft.lastModified = lastModified
  draft.attempt = claim.attempt
  if (init.flags !== undefined && init.flags.length > 0) draft.flags = init.flags
  const ip = response?.address ?? init.address
  if (ip !== undefined && ip !== '') {
    draft.ip = ip
    const geo = geoOf?.(ip)
    if (geo !== undefined) draft.geo = geo
  }
  if (init.alike !== undefined) draft.alike = init.alike
  if (response !== undefined) {
    const { timing } = response
    draft.ms = {
      wait: Math.round(claim.waitedMs),
      dns: timing.dnsMs,
      connect: timing.connectMs + timing.tlsMs,
      ttfb: timing.firstByteMs,
      body: timing.bodyMs,
      total: timing.totalMs,
    }
  }
  return draft
}
