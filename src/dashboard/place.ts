/** Where the viewer is: the page and its filters are the address, so that every view can be kept and sent. */
import { computed, signal } from '@preact/signals'

/** Where the server says it is: path of the service, and of this job below it; both '' for the dashboard of one job. */
const [root = '', base = ''] = (document.querySelector<HTMLMetaElement>('meta[name=sluice]')?.content ?? '').split('|')

const address = signal(location.pathname + location.search)

export const page = computed(() => new URL(address.value, location.origin).pathname.slice(base.length))
export const filters = computed(() => new URL(address.value, location.origin).searchParams)

addEventListener('popstate', () => {
  address.value = location.pathname + location.search
})

/** Address of what the job's server answers: `/api/urls`. */
export function ofJob(path: string): string {
  return base + path
}

/** Whether this is a job among others of a service. */
export const hasOthers = base !== root

/** Address of what is the same for all jobs: key, sentences, the page of the jobs. */
export function ofRoot(path: string): string {
  return root + path
}

/** @param to path and filters, below the job */
export function go(to: string): void {
  const path = base + to
  if (path === address.value) return
  history.pushState(null, '', path)
  address.value = path
}

/** Changes filters of this page; '' takes one away. Back goes to the page before, not through every letter typed. */
export function filter(changes: Readonly<Record<string, string>>): void {
  const next = new URLSearchParams(filters.value)
  for (const [name, value] of Object.entries(changes)) {
    if (value === '') next.delete(name)
    else next.set(name, value)
  }
  const query = next.toString()
  const to = base + page.value + (query === '' ? '' : `?${query}`)
  history.replaceState(null, '', to)
  address.value = to
}

export function link(to: string): { readonly href: string; readonly onClick: (event: MouseEvent) => void } {
  return {
    href: base + to,
    onClick: (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return
      event.preventDefault()
      go(to)
      document.querySelector<HTMLElement>('main')?.focus()
    },
  }
}
