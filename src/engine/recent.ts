/** Bounded memory of the engine. */
import { LRUCache } from 'lru-cache'

/**
 * The `most` entries used last. Counted by size, so that the cache grows with what is in it: `max` has lru-cache allocate
 * for all of them at once, 25 ms and 9 MB at the start of every command.
 */
export function recent<Value extends object>(most: number): LRUCache<string, Value> {
  return new LRUCache<string, Value>({ maxSize: most, sizeCalculation: () => 1 })
}
