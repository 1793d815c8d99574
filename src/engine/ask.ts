/**
 * How a claim is asked for: method, header fields and body that were fixed at its admission, and the validators of its
 * last answer. Decides nothing about when.
 */
import type { FetchRequest } from '../fetch/fetcher.ts'
import type { Claim } from '../frontier/frontier.ts'
import { isUnsafe } from '../model/request.ts'
import { hexOf } from '../url/fingerprint.ts'
import { originOf } from '../url/key.ts'

const PLAIN = {}

/** True where asking for it again may do something twice. */
export function isUnsafeClaim({ meta, plain }: Claim): boolean {
  return plain !== true && isUnsafe(meta?.method)
}

/**
 * What the fetcher is told besides the URL.
 *
 * @param session Fields of the session, which those of the request itself go before.
 * @param inputHeaders Fields of every listed input, which all others go before.
 */
export function askOf(
  claim: Claim,
  session: Readonly<Record<string, string>> | undefined,
  inputHeaders: Readonly<Record<string, string>> | undefined,
): Pick<FetchRequest, 'method' | 'headers' | 'body'> {
  const { meta, url, rootUrl, plain, gate } = claim
  if (gate === true) return PLAIN
  const isOwnOrigin = rootUrl === undefined || originOf(rootUrl) === originOf(url)
  const common = claim.input !== undefined && isOwnOrigin ? inputHeaders : undefined
  const given = common === undefined ? session : under(common, { ...session, ...meta?.headers }, session)
  if (meta === undefined) return given === undefined ? PLAIN : { headers: given }
  const { method, body, etag, lastModified } = meta
  if (method === undefined && meta.headers === undefined && etag === undefined && lastModified === undefined)
    return given === undefined ? PLAIN : { headers: given }
  const headers: Record<string, string> = { ...conditionalHeaders(claim), ...given }
  if (plain !== true && meta.headers !== undefined && isOwnOrigin) Object.assign(headers, meta.headers)
  // The same for every try, so that a site can tell a repetition (draft-ietf-httpapi-idempotency-key-header).
  if (isUnsafeClaim(claim) && !has(headers, 'idempotency-key'))
    headers['Idempotency-Key'] = `"${hexOf(claim.root ?? claim.fp)}"`
  return {
    ...(plain === true || method === undefined ? {} : { method }),
    ...(Object.keys(headers).length === 0 ? {} : { headers }),
    ...(plain === true || body === undefined ? {} : { body: Buffer.from(body) }),
  }
}

/** The method it is asked for with. */
export function methodOf({ meta, plain }: Claim): string {
  return plain === true ? 'GET' : (meta?.method ?? 'GET')
}

/** Whether a redirect turns the method into GET, as browsers do (WHATWG Fetch, "HTTP-redirect fetch"). */
export function isPlainAfter(claim: Claim, status: number): boolean {
  const method = methodOf(claim)
  if (status === 303) return method !== 'GET' && method !== 'HEAD'
  return claim.plain === true || ((status === 301 || status === 302) && method === 'POST')
}

/** Sends the validators of the last `ok` answer (RFC 9110 13.1). */
function conditionalHeaders({ meta }: Claim): Record<string, string> {
  const etag = writable(meta?.etag)
  const lastModified = writable(meta?.lastModified)
  return {
    ...(etag === undefined ? {} : { 'if-none-match': etag }),
    ...(lastModified === undefined ? {} : { 'if-modified-since': lastModified }),
  }
}

/** A validator with characters that no field may hold (RFC 9110 5.5) cannot be sent back. */
function writable(value: string | undefined): string | undefined {
  return value !== undefined && /^[\t\x20-\x7e\x80-\xff]*$/.test(value) ? value : undefined
}

/** `common` beneath others: without the fields that they have, in whatever case of letters. */
function under(
  common: Readonly<Record<string, string>>,
  others: Readonly<Record<string, string>>,
  session: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
  const left = Object.entries(common).filter(([name]) => !has(others, name.toLowerCase()))
  return { ...Object.fromEntries(left), ...session }
}

function has(headers: Readonly<Record<string, string>>, name: string): boolean {
  return Object.keys(headers).some((other) => other.toLowerCase() === name)
}
