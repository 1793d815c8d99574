/** Objects of which some properties may be absent: what pages do not tell is not there, instead of being undefined. */

/** An object with the property, or without it where there is no value. */
export function optional<Key extends string, Value>(key: Key, value: Value | undefined): Partial<Record<Key, Value>> {
  return value === undefined ? {} : ({ [key]: value } as Record<Key, Value>)
}
