/** Live events of one job. Listeners are called in the engine's turn; with nobody listening an event costs a check. */
import type { BusEvents, EventType } from '../model/event.ts'

export type BusListener = (
  type: EventType,
  data: BusEvents[EventType],
  id: number | undefined,
  t: string | undefined,
) => void

export interface Bus {
  /** True when somebody listens to this type: ask before building an event on the hot path. */
  wants(type: EventType): boolean
  emit<Type extends EventType>(type: Type, data: BusEvents[Type], id?: number, t?: string): void
  /** `types` undefined: all of them. Returns the function that ends it. */
  subscribe(types: readonly EventType[] | undefined, listener: BusListener): () => void
}

export function createBus(): Bus {
  const listeners = new Set<{ types: ReadonlySet<EventType> | undefined; listener: BusListener }>()
  let wanted = new Set<EventType>()
  let wantsAll = false

  const recount = (): void => {
    wanted = new Set()
    wantsAll = false
    for (const { types } of listeners) {
      if (types === undefined) wantsAll = true
      else for (const type of types) wanted.add(type)
    }
  }

  return {
    wants: (type) => wantsAll || wanted.has(type),
    emit(type, data, id, t) {
      for (const entry of listeners) {
        if (entry.types === undefined || entry.types.has(type)) entry.listener(type, data, id, t)
      }
    },
    subscribe(types, listener) {
      const entry = { types: types === undefined ? undefined : new Set(types), listener }
      listeners.add(entry)
      recount()
      return () => {
        listeners.delete(entry)
        recount()
      }
    },
  }
}
