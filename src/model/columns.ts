/** Names of the columns of a table, whatever it comes from. */

/** Names as a header gives them: trimmed, each unique, numbered where one is empty (`column2`) or taken (`price_2`). */
export function uniqueNames(header: readonly string[]): string[] {
  const taken = new Set<string>()
  return header.map((given, i) => {
    const name = given.trim() === '' ? `column${i + 1}` : given.trim()
    let unique = name
    for (let n = 2; taken.has(unique); n++) unique = `${name}_${n}`
    taken.add(unique)
    return unique
  })
}
