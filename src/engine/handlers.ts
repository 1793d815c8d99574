/**
 * Calls the hooks of a job's handlers at their places and contains what they throw. A request is data and names at most
 * a handler; which one it gets is found here.
 */
import type { Claim } from '../frontier/frontier.ts'
import { headerValue } from '../http/headers.ts'
import { compilePatterns, type Patterns } from '../url/pattern.ts'
import { isUnsafeClaim } from './ask.ts'
import type { Ended } from './commit.ts'
import type { Handler, HookHead, HookRequest } from './handler.ts'

interface Entry {
  readonly handler: Handler
  readonly patterns: Patterns
}

export interface HandlersOwner {
  /** The hooks have resolved: it goes on its way, changed where one threw. */
  ready(ended: Ended): void
  /** Ends the request for what a hook threw. */
  threw(ended: Ended, message: string): Ended
  /** Trouble of ours on the way. */
  failed(error: unknown): void
}

/** What the hooks before the body left behind. */
export interface HeadHooks {
  readonly thrown: string | undefined
  readonly promised: Promise<unknown> | undefined
}

export class Handlers {
  readonly any: boolean
  readonly #byName: ReadonlyMap<string, Handler>
  readonly #entries: readonly Entry[]
  readonly #owner: HandlersOwner
  readonly #held = new Set<Ended>()

  constructor(handlers: Readonly<Record<string, Handler>>, owner: HandlersOwner) {
    this.#owner = owner
    this.#byName = new Map(Object.entries(handlers))
    this.any = this.#byName.size > 0
    const entries: Entry[] = []
    for (const handler of this.#byName.values()) {
      if (handler.match !== undefined) entries.push({ handler, patterns: compilePatterns([handler.match].flat()) })
    }
    this.#entries = entries
  }

  /** Requests whose hooks have not resolved. */
  get busy(): number {
    return this.#held.size
  }

  /** The one it names, else the first whose pattern matches, else `*`. */
  of(claim: Claim): Handler | undefined {
    if (!this.any || claim.gate === true || claim.meta?.handler === 'sitemap') return undefined
    const named = claim.meta?.handler === undefined ? undefined : this.#byName.get(claim.meta.handler)
    if (named !== undefined) return named
    for (const { handler, patterns } of this.#entries) if (patterns.match(claim.url) !== undefined) return handler
    return this.#byName.get('*')
  }

  /** What follows the end of an attempt. */
  finish(handler: Handler, ended: Ended, before: HeadHooks): void {
    this.#held.add(ended)
    this.#run(handler, ended, before)
      .then((after) => {
        if (this.#held.delete(ended)) this.#owner.ready(after)
      })
      .catch((error: unknown) => this.#owner.failed(error))
  }

  /** Gives back what waits for hooks: it goes into the queue again, unless asking again could do something twice. */
  abandon(): void {
    const held = [...this.#held]
    this.#held.clear()
    for (const ended of held) {
      const { claim, response } = ended
      const settlement = { id: claim.id, do: 'release' as const }
      const released = { claim, settlement, draft: undefined, response, links: undefined }
      this.#owner.ready(isUnsafeClaim(claim) ? ended : released)
    }
  }

  async #run(handler: Handler, ended: Ended, before: HeadHooks): Promise<Ended> {
    const request = requestOf(ended.claim)
    let trouble = before.thrown
    const call = async (hook: () => void | Promise<void>): Promise<void> => {
      try {
        await hook()
      } catch (error) {
        trouble ??= textOf(error)
      }
    }
    const { draft, settlement, response } = ended
    if (before.promised !== undefined) await call(async () => void (await before.promised))
    if (settlement?.do === 'release') {
      // Stopped by us: it comes again, and what came of this attempt is nothing.
      await call(() => handler.onDone?.(request, undefined))
      return ended
    }
    if (settlement?.do === 'follow') {
      const hop = { status: response?.status ?? 0, to: settlement.hop.url }
      await call(() => handler.onRedirect?.(request, hop))
      if (trouble !== undefined) await call(() => handler.onDone?.(request, 'failed'))
      return trouble === undefined ? ended : this.#owner.threw(ended, trouble)
    }
    const isGood = draft !== undefined && (draft.outcome === 'ok' || draft.outcome === 'unchanged')
    if (trouble === undefined && isGood && response !== undefined) {
      await call(() => handler.onSuccess?.(request, response))
    } else {
      const retry = settlement?.do === 'retry' ? settlement : undefined
      const code = trouble === undefined ? (draft?.code ?? retry?.code ?? 'HTTP_STATUS') : 'HANDLER_THREW'
      const message = trouble ?? draft?.message ?? String(draft?.status ?? code)
      await call(() => handler.onError?.(request, { code, message, willRetry: retry !== undefined }, response))
    }
    await call(() => handler.onDone?.(request, trouble === undefined ? draft?.outcome : 'failed'))
    return trouble === undefined ? ended : this.#owner.threw(ended, trouble)
  }
}

/**
 * Runs `onStatus` and `onHeaders`: why to stop before the body, undefined to go on, or a promise that settles when a hook
 * has answered later. Throws what they throw.
 *
 * @param cancel for an answer that comes later.
 */
export function askHead(
  handler: Handler,
  claim: Claim,
  status: number,
  rawHeaders: readonly string[],
  cancel: (reason: string) => void,
): string | undefined | Promise<void> {
  const request = requestOf(claim)
  const first = handler.onStatus?.(request, status)
  if (first !== undefined) return first.cancel
  const head: HookHead = { status, rawHeaders, header: (name) => headerValue(rawHeaders, name) }
  const second = handler.onHeaders?.(request, head)
  if (!(second instanceof Promise)) return second?.cancel
  const answered = second.then((answer) => {
    if (answer !== undefined) cancel(answer.cancel)
  })
  // It is awaited when the attempt has ended; until then nobody has to be told, but the body need not come any more.
  answered.catch(() => cancel('a hook rejected'))
  return answered
}

export function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

function requestOf({ url, rootUrl, attempt, depth, meta, input }: Claim): HookRequest {
  return {
    url,
    root: rootUrl ?? url,
    attempt,
    depth,
    label: meta?.label,
    input: input === undefined ? undefined : { line: meta?.line ?? input.ordinal + 1, ...meta?.columns },
  }
}
