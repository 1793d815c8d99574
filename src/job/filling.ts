/** From options to how every input is asked for: `--template`, `--param`, `--method`, `--data`, `-H`. Bad ones throw here. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { checkHeaders } from '../fetch/request-headers.ts'
import { parseContentType } from '../http/content-type.ts'
import { SluiceError } from '../model/errors.ts'
import type { Filling } from '../source/filled.ts'
import { compileTemplate, hasPlaces } from '../source/template.ts'
import type { Template, TemplateKind } from '../source/template.ts'
import type { ResolvedOptions } from './options.ts'

const FORM = 'application/x-www-form-urlencoded'
/** A tunnel is no request for a page, and a trace sends credentials back. */
const REFUSED_METHODS = ['CONNECT', 'TRACE']
/** RFC 9110 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** Undefined where every input is a plain GET without values of its own. Headers of a plain GET are the fetcher's business. */
export function fillingOf(options: ResolvedOptions, cwd: string): Filling | undefined {
  const template = options.get<string>('template')
  const rows = options.get<string>('rows')
  const given = options.get<string>('data')
  const method = methodOf(options.get<string>('method'), given !== undefined)
  if (rows !== undefined && template === undefined) {
    throw new SluiceError('OPTION_INVALID', '--rows needs a URL to fill', {
      hint: "for example --template 'https://your.site/{column}'",
    })
  }
  if (template !== undefined && rows === undefined) {
    throw new SluiceError('OPTION_INVALID', '--template needs rows to fill it from', { hint: '--rows FILE' })
  }
  const params = new Map((options.get<string[]>('param') ?? []).map(parseParam))
  const proxy = proxyTemplate(options)
  if (template === undefined && method === undefined && given === undefined) {
    if (params.size === 0 && proxy === undefined) return undefined
    return { url: undefined, method, headers: new Map(), body: undefined, proxy, params }
  }
  const data = given === undefined ? undefined : dataOf(given, cwd)
  const fields = new Map(parseHeaderLines(options.get<string[]>('header') ?? []))
  const type = [...fields].find(([name]) => name.toLowerCase() === 'content-type')?.[1]
  const kind = data === undefined ? 'text' : kindOfBody(data, type)
  if (data !== undefined && type === undefined) fields.set('Content-Type', kind === 'json' ? 'application/json' : FORM)
  const headers = new Map<string, Template>()
  for (const [name, value] of fields) {
    const header = compileTemplate(value, 'header')
    checkHeaders({ [name]: header.fill(() => 'x', []) })
    headers.set(name, header)
  }
  return {
    url: template === undefined ? undefined : compileTemplate(template, 'url'),
    method,
    headers,
    body: data === undefined ? undefined : compileTemplate(data, kind),
    proxy,
    params,
  }
}

/** `Name: value` lines of `--header`. @throws {SluiceError} OPTION_INVALID */
export function parseHeaderLines(lines: readonly string[]): [name: string, value: string][] {
  return lines.map((line) => {
    const colon = line.indexOf(':')
    if (colon <= 0) {
      throw new SluiceError('OPTION_INVALID', `--header: ${JSON.stringify(line)} is not 'Name: value'`, {
        hint: "for example -H 'Accept-Language: pt'",
      })
    }
    return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()]
  })
}

/** `--proxy` with places for columns: a proxy for each input. */
function proxyTemplate(options: ResolvedOptions): Template | undefined {
  return (options.get<string[]>('proxy') ?? []).filter(hasPlaces).map((text) => compileTemplate(text, 'text'))[0]
}

/** `Name: value` lines of `--header` that go with every input as they are; those with places are in the filling. */
export function inputHeaders(options: ResolvedOptions, cwd: string): Readonly<Record<string, string>> | undefined {
  const lines = options.get<string[]>('header')
  if (lines === undefined || (fillingOf(options, cwd)?.headers.size ?? 0) > 0) return undefined
  return Object.fromEntries(parseHeaderLines(lines))
}

function methodOf(given: string | undefined, hasBody: boolean): string | undefined {
  if (given === undefined) return hasBody ? 'POST' : undefined
  const method = given.toUpperCase()
  if (!TOKEN.test(given) || REFUSED_METHODS.includes(method)) {
    throw new SluiceError('OPTION_INVALID', `--method: ${JSON.stringify(given)} is no method that fetches`, {
      hint: 'GET, HEAD, POST, PUT, PATCH and DELETE are',
    })
  }
  return method === 'GET' && !hasBody ? undefined : method
}

function dataOf(given: string, cwd: string): string {
  if (!given.startsWith('@')) return given
  const path = resolve(cwd, given.slice(1))
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new SluiceError('INPUT_UNREADABLE', `cannot read the body ${path}`, { hint: 'check the path after @', cause })
  }
}

/** By its Content-Type; without one JSON is told by how it begins, and anything else is a form, as for curl. */
function kindOfBody(data: string, type: string | undefined): TemplateKind {
  if (type === undefined) return /^\s*(?:\{\s*["}]|\[)/.test(data) ? 'json' : 'form'
  const { essence } = parseContentType(type)
  if (/[/+]json$/.test(essence)) return 'json'
  if (essence === FORM) return 'form'
  return /[/+]xml$|\/html$/.test(essence) ? 'xml' : 'text'
}

function parseParam(text: string): [string, string] {
  const equals = text.indexOf('=')
  if (equals > 0) return [text.slice(0, equals), text.slice(equals + 1)]
  throw new SluiceError('OPTION_INVALID', `--param: ${JSON.stringify(text)} is not NAME=VALUE`, {
    hint: 'for example --param group=3',
  })
}
