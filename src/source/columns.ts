/** Columns of an input row, under whatever names the input gives them. */

/** Sets an own property: `__proto__` is a name like any other. */
export function setColumn(columns: Record<string, string>, name: string, value: string): void {
  if (name === '__proto__') {
    Object.defineProperty(columns, name, { value, enumerable: true, configurable: true, writable: true })
  } else columns[name] = value
}
