/** Forms of an HTML page and what a browser would send for them (HTML 4.10.22.4, controls without scripts). */
import { Parser } from 'htmlparser2'

export interface PageForm {
  readonly id: string
  readonly name: string
  /** As written; '' for the page itself. */
  readonly action: string
  /** Upper case. */
  readonly method: string
  readonly enctype: string
  /** What is sent if nothing is typed: hidden fields, defaults, the first button that submits. */
  readonly fields: [name: string, value: string][]
  /** Names of all its controls that can be filled in. */
  readonly controls: readonly string[]
  readonly passwords: readonly string[]
}

/** Kinds of input that are not sent unless clicked. */
const CLICKED = new Set(['submit', 'image', 'button', 'reset', 'file'])

export function formsOf(html: string): { forms: PageForm[]; base: string | undefined } {
  const forms: (PageForm & { controls: string[]; passwords: string[]; hasButton: boolean })[] = []
  let base: string | undefined
  let form: (typeof forms)[number] | undefined
  let select: { name: string; first: string | undefined; chosen: string[] } | undefined
  let text: { name: string; value: string } | undefined
  const add = (name: string | undefined, value: string): void => {
    if (form === undefined || name === undefined || name === '') return
    form.fields.push([name, value])
  }
  const control = (attributes: Readonly<Record<string, string>>): void => {
    if (form !== undefined && attributes['name'] !== undefined) form.controls.push(attributes['name'])
  }
  const input = (attributes: Readonly<Record<string, string>>): void => {
    if (form === undefined || 'disabled' in attributes) return
    const type = (attributes['type'] ?? 'text').toLowerCase()
    if (type === 'submit' || type === 'image') return button(attributes)
    if (CLICKED.has(type)) return
    control(attributes)
    if (type === 'password' && attributes['name'] !== undefined) form.passwords.push(attributes['name'])
    if (type !== 'checkbox' && type !== 'radio') add(attributes['name'], attributes['value'] ?? '')
    else if ('checked' in attributes) add(attributes['name'], attributes['value'] ?? 'on')
  }
  const button = (attributes: Readonly<Record<string, string>>): void => {
    if (form === undefined || form.hasButton || 'disabled' in attributes) return
    form.hasButton = true
    add(attributes['name'], attributes['value'] ?? '')
  }
  const parser = new Parser({
    onopentag(tag, attributes) {
      if (tag === 'base') base ??= attributes['href']
      else if (tag === 'form') {
        form = {
          id: attributes['id'] ?? '',
          name: attributes['name'] ?? '',
          action: attributes['action'] ?? '',
          method: (attributes['method'] ?? 'GET').toUpperCase(),
          enctype: (attributes['enctype'] ?? '').toLowerCase(),
          fields: [],
          controls: [],
          passwords: [],
          hasButton: false,
        }
        forms.push(form)
      } else if (tag === 'input') input(attributes)
      else if (tag === 'button' && (attributes['type'] ?? 'submit').toLowerCase() === 'submit') button(attributes)
      else if (tag === 'select') {
        control(attributes)
        select = { name: attributes['name'] ?? '', first: undefined, chosen: [] }
      } else if (tag === 'option' && select !== undefined) {
        select.first ??= attributes['value'] ?? ''
        if ('selected' in attributes) select.chosen.push(attributes['value'] ?? '')
      } else if (tag === 'textarea') {
        control(attributes)
        text = { name: attributes['name'] ?? '', value: '' }
      }
    },
    ontext(chunk) {
      if (text !== undefined) text.value += chunk
    },
    onclosetag(tag) {
      if (tag === 'form') form = undefined
      else if (tag === 'select' && select !== undefined) {
        const { name, first, chosen } = select
        for (const value of chosen.length > 0 ? chosen : first === undefined ? [] : [first]) add(name, value)
        select = undefined
      } else if (tag === 'textarea' && text !== undefined) {
        add(text.name, text.value)
        text = undefined
      }
    },
  })
  parser.end(html)
  return { forms, base }
}
