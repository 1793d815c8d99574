/**
 * The dashboards of the jobs that somebody looks at: opened when first asked for, closed once nobody has asked for a while.
 * Tables of a job take memory; a service has many jobs and few viewers.
 */
import { openView } from '../../job/index.ts'
import type { ControlMethod, JobView } from '../../job/index.ts'
import type { Language } from '../../locales/catalog.ts'
import type { Access, Person } from '../access.ts'
import { createApp } from '../app.ts'
import type { Connection } from '../app.ts'
import type { PageFile } from '../files.ts'
import { createLive } from '../live.ts'
import type { Live } from '../live.ts'

export interface OpenedView {
  readonly view: JobView
  readonly live: Live
  /** Answers what the dashboard of the one job answers, paths without `/jobs/{job}`. */
  fetch(request: Request, env: Connection & { readonly person: Person }): Response | Promise<Response>
}

export interface ViewsInit {
  readonly language: Language
  readonly files: ReadonlyMap<string, PageFile>
  /** Where the service is mounted. */
  readonly base: string
  /** Told of what is asked of a job before it is asked. */
  steered(job: string, method: ControlMethod): void
}

/** Nobody has asked for so long: closed, ms. */
const IDLE_MS = 60_000

export class Views {
  readonly #init: ViewsInit
  readonly #views = new Map<string, OpenedView & { idle: NodeJS.Timeout | undefined }>()

  constructor(init: ViewsInit) {
    this.#init = init
  }

  /** How many watch any of them. */
  get viewers(): number {
    let count = 0
    for (const { live } of this.#views.values()) count += live.viewers
    return count
  }

  /** @throws SluiceError where the job cannot be read */
  of(name: string, folder: string): OpenedView {
    let opened = this.#views.get(name)
    if (opened === undefined) {
      opened = { ...this.#open(name, folder), idle: undefined }
      this.#views.set(name, opened)
    }
    this.#waitFor(name, opened)
    return opened
  }

  /** The folder of a job goes away. */
  async forget(name: string): Promise<void> {
    const opened = this.#views.get(name)
    if (opened === undefined) return
    this.#views.delete(name)
    clearTimeout(opened.idle)
    opened.live.close()
    await opened.view.close()
  }

  async close(): Promise<void> {
    await Promise.all([...this.#views.keys()].map((name) => this.forget(name)))
  }

  #waitFor(name: string, opened: OpenedView & { idle: NodeJS.Timeout | undefined }): void {
    clearTimeout(opened.idle)
    opened.idle = setTimeout(() => {
      if (opened.live.viewers > 0) this.#waitFor(name, opened)
      else void this.forget(name)
    }, IDLE_MS)
    opened.idle.unref()
  }

  #open(name: string, folder: string): OpenedView {
    const { language, files, base, steered } = this.#init
    const view = openView(folder)
    const control = view.control.bind(view)
    // Whatever steers the job through its dashboard is what the service remembers of it.
    Object.assign(view, {
      control: (method: ControlMethod, params: unknown) => {
        steered(name, method)
        return control(method, params)
      },
    })
    const live = createLive(view)
    const place = `${base}/jobs/${encodeURIComponent(name)}`
    const app = createApp({ view, live, language, access: PASSED, files: withPage(files, 'index.html', base, place) })
    view.advance().catch(() => undefined)
    return { view, live, fetch: (request, env) => app.fetch(request, env) }
  }
}

/** The service has let the request in. */
const PASSED: Access = {
  key: '',
  personOf: () => undefined,
  isOurs: () => true,
  sameServer: (_context, next) => next(),
  known: (context, next) => {
    context.set('person', (context.env as { person: Person }).person)
    return next()
  },
  exchange: async (context) => context.notFound(),
}

/**
 * The files with a page that knows where it is: `root` is the service's place, `job` that of one job below it. The script
 * and the style lie at the root.
 */
export function withPage(
  files: ReadonlyMap<string, PageFile>,
  from: string,
  root: string,
  job: string,
): ReadonlyMap<string, PageFile> {
  const page = files.get(from)
  if (page === undefined) return files
  const text = page.body
    .toString('utf8')
    .replace('<meta name="sluice" content="" />', `<meta name="sluice" content="${quoted(root)}|${quoted(job)}" />`)
    .replaceAll(/(href|src)="\/(?=[\w-]+\.(?:css|js)")/g, `$1="${quoted(root)}/`)
  return new Map([...files, ['index.html', { ...page, body: Buffer.from(text) }]])
}

function quoted(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')
}
