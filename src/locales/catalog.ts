/**
 * Sentences for people in five languages: a flat catalogue per language, plurals by `Intl.PluralRules`, English where a
 * key is missing. It must not know who asks. Flags, codes, JSON keys and outcome words are never translated.
 */
export const LANGUAGES = ['en', 'pt-BR', 'es', 'zh-CN', 'ko'] as const
export type Language = (typeof LANGUAGES)[number]

type FullKey = keyof typeof import('./en.json', { with: { type: 'json' }}) & string
/** A key; of a plural pair (`x.one`, `x.other`) the part before the category. */
export type MessageKey = FullKey extends infer Key
  ? Key extends `${infer Base}.${'one' | 'other'}`
    ? Base
    : Key
  : never
export type Values = Readonly<Record<string, string | number>>

export interface Catalog {
  readonly language: Language
  /** The sentence, `{name}` replaced; numbers are written the language's way. `count` chooses the plural. */
  t(key: MessageKey, values?: Values): string
  number(value: number): string
  /** 0.412 → `41.2%`. */
  percent(fraction: number, digits?: number): string
  /** `1 hour 52 minutes`, at most two units, in words. */
  duration(ms: number): string
}

export type Messages = Readonly<Record<string, string>>

export function createCatalog(language: Language, messages: Messages, fallback: Messages): Catalog {
  const plural = new Intl.PluralRules(language)
  const number = (value: number): string => formatNumber(language, value)
  const find = (key: string, values: Values): string => {
    const count = values['count']
    if (typeof count === 'number') {
      const exact = messages[`${key}.${plural.select(count)}`] ?? messages[`${key}.other`] ?? fallback[`${key}.other`]
      if (exact !== undefined) return exact
    }
    return messages[key] ?? fallback[key] ?? key
  }
  return {
    language,
    t: (key, values = {}) =>
      find(key, values).replace(/\{(\w+)\}/g, (whole, name: string) => {
        const value = values[name]
        return value === undefined ? whole : typeof value === 'number' ? number(value) : value
      }),
    number,
    percent: (fraction, digits = 1) => {
      const { decimal, percent } = FIGURES[language]
      return (fraction * 100).toFixed(digits).replace('.', decimal) + percent
    },
    duration: (ms) => {
      const unit = (amount: number, name: string): string =>
        new Intl.NumberFormat(language, { style: 'unit', unit: name, unitDisplay: 'long' }).format(amount)
      return splitDuration(ms)
        .map(({ amount, unit: name }) => unit(amount, name))
        .join(' ')
    },
  }
}

interface Figures {
  /** Sign between thousands, and from how many digits on it is written. */
  readonly group: string
  readonly from: number
  readonly decimal: string
  readonly percent: string
}

/**
 * How figures are written (Unicode CLDR, as `Intl` has it). Kept here because the first `Intl.NumberFormat` of a process
 * loads its tables for longer than many pages take.
 */
const FIGURES: Readonly<Record<Language, Figures>> = {
  en: { group: ',', from: 4, decimal: '.', percent: '%' },
  'pt-BR': { group: '.', from: 4, decimal: ',', percent: '%' },
  es: { group: '.', from: 5, decimal: ',', percent: '\u00a0%' },
  'zh-CN': { group: ',', from: 4, decimal: '.', percent: '%' },
  ko: { group: ',', from: 4, decimal: '.', percent: '%' },
}

function formatNumber(language: Language, value: number): string {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) return new Intl.NumberFormat(language).format(value)
  const digits = String(Math.abs(value))
  const { group, from } = FIGURES[language]
  const grouped = digits.length < from ? digits : digits.replace(/\B(?=(?:\d{3})+$)/g, group)
  return value < 0 ? `-${grouped}` : grouped
}

/** `812 B`, `4.1 MB`, `213 GB`; powers of 1024, as in options. */
export function shortBytes(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 || value >= 9.95 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

/** The two largest units of a duration; the second one is left out when it is zero. */
export function splitDuration(ms: number): { amount: number; unit: 'day' | 'hour' | 'minute' | 'second' }[] {
  const seconds = Math.max(0, Math.round(ms / 1000))
  const units = [
    { unit: 'day', size: 86_400 },
    { unit: 'hour', size: 3600 },
    { unit: 'minute', size: 60 },
    { unit: 'second', size: 1 },
  ] as const
  const first = units.findIndex(({ size }) => seconds >= size)
  if (first < 0) return [{ amount: 0, unit: 'second' }]
  const large = units[first]!
  const parts: ReturnType<typeof splitDuration> = [{ amount: Math.floor(seconds / large.size), unit: large.unit }]
  const small = units[first + 1]
  if (small !== undefined) {
    const amount = Math.floor((seconds % large.size) / small.size)
    if (amount > 0) parts.push({ amount, unit: small.unit })
  }
  return parts
}

/**
 * The language to speak: the first of the given wishes that is set (`--lang`, `SLUICE_LANG`, `LC_ALL`, `LC_MESSAGES`,
 * `LANG`). A wish we have no catalogue for means English, as `C` and `POSIX` do.
 */
export function chooseLanguage(wishes: readonly (string | undefined)[]): Language {
  for (const wish of wishes) {
    if (wish === undefined || wish === '') continue
    const tag = wish
      .replace(/[.@].*$/, '')
      .replaceAll('_', '-')
      .toLowerCase()
    const exact = LANGUAGES.find((language) => language.toLowerCase() === tag)
    if (exact !== undefined) return exact
    const primary = tag.split('-')[0]
    return LANGUAGES.find((language) => language.toLowerCase().split('-')[0] === primary) ?? 'en'
  }
  return 'en'
}
