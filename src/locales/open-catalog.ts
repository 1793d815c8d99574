/** The files of the catalogues: each is loaded when it is first asked for. */
import { createCatalog } from './catalog.ts'
import type { Catalog, Language, Messages } from './catalog.ts'

/** All sentences of a language, as they are in its file. */
export async function messagesOf(language: Language): Promise<Messages> {
  switch (language) {
    case 'en':
      return (await import('./en.json', { with: { type: 'json' } })).default
    case 'pt-BR':
      return (await import('./pt-BR.json', { with: { type: 'json' } })).default
    case 'es':
      return (await import('./es.json', { with: { type: 'json' } })).default
    case 'zh-CN':
      return (await import('./zh-CN.json', { with: { type: 'json' } })).default
    case 'ko':
      return (await import('./ko.json', { with: { type: 'json' } })).default
  }
}

/** Reads the catalogue of a language, and English behind it. */
export async function openCatalog(language: Language): Promise<Catalog> {
  const fallback = await messagesOf('en')
  return createCatalog(language, language === 'en' ? fallback : await messagesOf(language), fallback)
}
