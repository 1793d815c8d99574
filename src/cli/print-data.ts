/** Output that may be long: the next piece waits until there is room. */

/** Resolves when there is room for more; false: the reader has gone. */
export function printData(stream: NodeJS.WriteStream, text: string): Promise<boolean> {
  return new Promise((resolve) => {
    stream.write(text, (error) => resolve(error === null || error === undefined))
  })
}
