/** Values as feeds write them: people in one line, numbers, durations, yes and no. */
import type { PersonDraft } from './draft.ts'

/** Values of `itunes:explicit`. */
export const EXPLICIT: Readonly<Record<string, boolean>> = {
  yes: true,
  true: true,
  no: false,
  false: false,
  clean: false,
}

/** `me@example.com (Name)`, `Name (me@example.com)`, `Name <me@example.com>`. */
export function completePerson(person: PersonDraft, text: string): void {
  if (text === '') return
  const email = /[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)+/.exec(text)?.[0]
  if (email !== undefined) person.email ??= email
  const name = (email === undefined ? text : text.replace(email, ''))
    .replace(/\(\s*\)|<\s*>|&lt;\s*&gt;/g, '')
    .trim()
    .replace(/^\((.*)\)$/s, '$1')
    .trim()
  if (name !== '') person.name ??= name
}

export function naturalOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\s*\d{1,15}\s*$/.test(text) ? Number(text) : undefined
}

/** `3600`, `10:00`, `1:00:00`. */
export function secondsOf(text: string): number | undefined {
  if (!/^\d+(?::\d{1,2}){0,2}(?:\.\d+)?$/.test(text)) return undefined
  return text.split(':').reduce((seconds, part) => seconds * 60 + Math.floor(Number(part)), 0)
}
