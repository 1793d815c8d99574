/** Output that may be long: the next piece waits until there is room. */

/** Resolves when there is room for more; false: the reader has gone. */
export function printData(stream: NodeJS.WriteStream, data: string | Uint8Array): Promise<boolean> {
  return new Promise((resolve) => {
    stream.write(data, (error) => resolve(error === null || error === undefined))
  })
}
