/** An SQL name, whatever it contains, as the standard writes it. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
