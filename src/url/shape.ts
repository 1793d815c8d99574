/**
 * The shape of a URL: what it has in common with the addresses that one page of a site's program makes up. Two of one shape
 * differ in values (numbers, names, the order of parameters, subdomains), not in kind. Cut out of canonical URLs.
 */
import { hostOf, registrableDomain } from './key.ts'

export interface Shape {
  /** Registrable domain, first segment of the path and number of segments: `site.example/blog/2`. */
  readonly path: string
  /** Names of the parameters, sorted, each once: `?page&sort`; '' without any. */
  readonly query: string
  /** How many names that are. */
  readonly names: number
}

/** Further names of parameters are not told apart. */
const MOST_NAMES = 12
const DIGITS = /\d+/g

export function shapeOf(url: string): Shape {
  const domain = registrableDomain(hostOf(url).replace(/\.$/, ''))
  const start = url.indexOf('/', 8)
  const mark = url.indexOf('?', start)
  const path = url.slice(start + 1, mark < 0 ? undefined : mark).toLowerCase()
  const segments = path.split('/')
  const first = (segments[0] as string).split(';', 1)[0] as string
  // The only segment of a path is its value, unless a query says that it is a program.
  const isValue = segments.length === 1 && mark < 0 && first !== ''
  const kind = isValue ? '*' : first.search(/\d/) >= 0 ? '#' : first
  const names = mark < 0 ? [] : namesOf(url.slice(mark + 1))
  return {
    path: `${domain}/${kind}/${segments.length}`,
    query: names.length === 0 ? '' : `?${names.join('&')}`,
    names: names.length,
  }
}

function namesOf(query: string): string[] {
  const names = new Set<string>()
  for (const pair of query.split('&')) {
    const name = (pair.split('=', 1)[0] as string).toLowerCase().replace(DIGITS, '#')
    if (name !== '') names.add(name)
    if (names.size >= MOST_NAMES) break
  }
  return [...names].sort()
}
