/** Lines of a text file that may still grow, plain or compressed. Knows nothing of what they say. */
import { openInput } from '../source/input.ts'

/** Whole lines, a piece of the file at a time; a line that is being written is left out. */
export async function* linesOf(path: string): AsyncGenerator<string[], undefined> {
  const input = await openInput(path)
  try {
    let carry: Buffer = Buffer.alloc(0)
    for (let piece = await input.next(); piece !== undefined; piece = await input.next()) {
      const bytes = carry.length === 0 ? piece : Buffer.concat([carry, piece])
      const end = bytes.lastIndexOf(10)
      if (end >= 0)
        yield bytes
          .toString('utf8', 0, end)
          .split('\n')
          .filter((line) => line !== '')
      carry = bytes.subarray(end + 1)
    }
  } finally {
    await input.close()
  }
}

/** Lines of the file, the last one with or without its end; those without a text do not count. */
export async function countLines(path: string): Promise<number> {
  const input = await openInput(path)
  let count = 0
  let isEmpty = true
  try {
    for (let piece = await input.next(); piece !== undefined; piece = await input.next()) {
      for (const byte of piece) {
        if (byte !== 10) isEmpty = false
        else {
          if (!isEmpty) count++
          isEmpty = true
        }
      }
    }
  } finally {
    await input.close()
  }
  return isEmpty ? count : count + 1
}
