/**
 * The sort-friendly form of a URL under which index lines stand: `com,example)/path?a=1&b=2`. The same rules as the
 * common indexers: lower case, no `www.`, no default port, no fragment, query parts sorted. Different URLs can meet
 * under one key, so a lookup compares the URL too.
 */
export function surtOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url.toLowerCase()) : undefined
  if (parsed === undefined || (parsed.protocol !== 'http:' && parsed.protocol !== 'https:')) {
    return url.toWellFormed().replaceAll(/[^\x21-\x7e]+/gu, (odd) => encodeURIComponent(odd))
  }
  const host = parsed.hostname.replace(/^www\d*\.(?=.)/, '')
  const isAddress = host.startsWith('[') || /^[\d.]+$/.test(host)
  const key = isAddress ? host : host.split('.').reverse().join(',')
  const port = parsed.port === '' ? '' : `:${parsed.port}`
  const query = parsed.search === '' ? '' : `?${parsed.search.slice(1).split('&').sort().join('&')}`
  return `${key}${port})${parsed.pathname}${query}`.toLowerCase()
}
