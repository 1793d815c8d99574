/** The sentences of the page in the viewer's language, and how figures and times are written there. */
import { signal } from '@preact/signals'
import { createCatalog, LANGUAGES, shortBytes } from '../locales/catalog.ts'
import type { Catalog, Language, MessageKey } from '../locales/catalog.ts'
import { ofRoot } from './place.ts'

export type Key = Extract<MessageKey, `ui.${string}`>

const CHOICE = 'sluice-language'
/** Languages by the names they have for themselves. */
export const LANGUAGE_NAMES: Readonly<Record<Language, string>> = {
  en: 'English',
  'pt-BR': 'Português',
  es: 'Español',
  'zh-CN': '中文',
  ko: '한국어',
}
export { LANGUAGES, shortBytes }
export type { Language }

const catalog = signal<Catalog>(createCatalog('en', {}, {}))

/** The sentence of a key; the page is drawn anew when the language changes. */
export function t(key: Key, values: Readonly<Record<string, string | number>> = {}): string {
  return catalog.value.t(key, values)
}

export function language(): Language {
  return catalog.value.language
}

export function number(value: number): string {
  return catalog.value.number(value)
}

export function percent(fraction: number): string {
  return catalog.value.percent(fraction)
}

export function duration(ms: number): string {
  return ms < 1000 ? `${number(Math.round(ms))} ms` : catalog.value.duration(ms)
}

export function time(at: number | string): string {
  return new Intl.DateTimeFormat(catalog.value.language, { dateStyle: 'short', timeStyle: 'medium' }).format(
    new Date(at),
  )
}

export function clock(at: number): string {
  return new Intl.DateTimeFormat(catalog.value.language, { timeStyle: 'medium' }).format(new Date(at))
}

/** `5 minutes ago`: the largest unit of the time between then and now. */
export function ago(at: number | string): string {
  const seconds = Math.max(0, (Date.now() - new Date(at).getTime()) / 1000)
  const [unit, size] = UNITS.find(([, size]) => seconds >= size) ?? UNITS[UNITS.length - 1]!
  return new Intl.RelativeTimeFormat(catalog.value.language).format(-Math.floor(seconds / size), unit)
}

const UNITS = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const

/** The language chosen before, else the browser's, else that of the server. */
export async function chooseWords(wanted?: Language): Promise<void> {
  if (wanted !== undefined) localStorage.setItem(CHOICE, wanted)
  const choice = wanted ?? localStorage.getItem(CHOICE) ?? fromBrowser() ?? 'default'
  const answer = (await (await fetch(ofRoot(`/catalog/${choice}`))).json()) as {
    language: Language
    messages: Record<string, string>
  }
  catalog.value = createCatalog(answer.language, answer.messages, answer.messages)
  document.documentElement.lang = answer.language
}

function fromBrowser(): Language | undefined {
  for (const tag of navigator.languages) {
    const primary = tag.toLowerCase().split('-')[0]
    const known = LANGUAGES.find((one) => one.toLowerCase().split('-')[0] === primary)
    if (known !== undefined) return known
  }
  return undefined
}
