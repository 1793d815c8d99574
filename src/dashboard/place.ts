/** Where the viewer is: the page and its filters are the address, so that every view can be kept and sent. */
import { computed, signal } from '@preact/signals'

const address = signal(location.pathname + location.search)

export const page = computed(() => new URL(address.value, location.origin).pathname)
export const filters = computed(() => new URL(address.value, location.origin).searchParams)

addEventListener('popstate', () => {
  address.value = location.pathname + location.search
})

export function go(to: string): void {
  if (to === address.value) return
  history.pushState(null, '', to)
  address.value = to
}

/** Changes filters of this page; '' takes one away. Back goes to the page before, not through every letter typed. */
export function filter(changes: Readonly<Record<string, string>>): void {
  const next = new URLSearchParams(filters.value)
  for (const [name, value] of Object.entries(changes)) {
    if (value === '') next.delete(name)
    else next.set(name, value)
  }
  const query = next.toString()
  const to = page.value + (query === '' ? '' : `?${query}`)
  history.replaceState(null, '', to)
  address.value = to
}

export function link(to: string): { readonly href: string; readonly onClick: (event: MouseEvent) => void } {
  return {
    href: to,
    onClick: (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return
      event.preventDefault()
      go(to)
      document.querySelector<HTMLElement>('main')?.focus()
    },
  }
}
