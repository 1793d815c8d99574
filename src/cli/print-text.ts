/** Text for a reader that may be slow or go away. */

/** Resolves when there is room for more; false: the reader has gone. */
export function printText(stream: NodeJS.WriteStream, text: string): Promise<boolean> {
  return new Promise((resolve) => {
    stream.write(text, (error) => resolve(error === null || error === undefined))
  })
}
