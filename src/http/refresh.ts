/** URL of a `Refresh` header or a `<meta http-equiv=refresh>`, by the HTML standard's declarative refresh steps (4.2.5.3). */

/** As written, '' for a bare reload of the page; undefined where the value is no refresh at all. */
export function parseRefresh(content: string): string | undefined {
  const time = /^[\t\n\f\r ]*(\d+|(?=\.))[\d.]*/.exec(content)
  if (time === null) return undefined
  const rest = content.slice(time[0].length)
  if (rest === '') return ''
  const separator = /^(?:[\t\n\f\r ]*[;,][\t\n\f\r ]*|[\t\n\f\r ]+)/.exec(rest)
  if (separator === null) return undefined
  const target = rest.slice(separator[0].length).replace(/^url[\t\n\f\r ]*=[\t\n\f\r ]*/i, '')
  const quote = target.charAt(0)
  if (quote !== '"' && quote !== "'") return target
  const close = target.indexOf(quote, 1)
  return target.slice(1, close < 0 ? undefined : close)
}
