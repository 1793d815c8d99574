/** Names of the columns of a table, whatever it comes from. */

/** Names as a header gives them: trimmed, each unique, numbered where one is empty (`column2`) or taken (`price_2`). */
export function uniqueNames(header: readonly string[]): string[] {
  const taken = new Set<string>()
  /** The last number that a name got. */
  const numbers = new Map<string, number>()
  return header.map((given, i) => {
    const name = given.trim() === '' ? `column${i + 1}` : given.trim()
    let unique = name
    let number = numbers.get(name) ?? 1
    while (taken.has(unique)) unique = `${name}_${++number}`
    numbers.set(name, number)
    taken.add(unique)
    return unique
  })
}
