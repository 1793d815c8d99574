/** Data for a reader that may be slow or go away. */

/** Resolves when there is room for more; false: the reader has gone. */
export function printText(stream: NodeJS.WriteStream, data: string | Uint8Array): Promise<boolean> {
  return new Promise((resolve) => {
    stream.write(data, (error) => resolve(error === null || error === undefined))
  })
}
