/** Rows as a file to be kept: pulled by the reader, some at a time, so that a slow one costs nothing. */

/** Lines without their ends. */
export type Lines = Iterator<readonly string[], undefined> | AsyncIterator<readonly string[], undefined>

export function streamOf(lines: Lines): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await lines.next()
      if (done === true) controller.close()
      else controller.enqueue(encoder.encode(value.map((line) => `${line}\n`).join('')))
    },
    async cancel() {
      await lines.return?.()
    },
  })
}

/** As a name of a file that no system objects to. */
export function fileName(name: string): string {
  return name.replaceAll(/[^\w.-]/g, '_')
}
