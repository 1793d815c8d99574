/** A file read forwards through one window that grows as far as it must. Knows bytes only. */
import { type FileHandle, open } from 'node:fs/promises'
import { reasonOf, SluiceError } from '../model/errors.ts'

/** Read at once: large enough for hundreds of records, small enough to hold many archives open. */
const STEP = 1024 * 1024

export class Window {
  readonly #file: FileHandle
  readonly #end: number
  #bytes: Buffer = Buffer.alloc(0)
  /** Offset in the file of the first byte of the window. */
  #at: number

  private constructor(file: FileHandle, from: number, end: number) {
    this.#file = file
    this.#at = from
    this.#end = end
  }

  /**
   * @param end bytes from there on are not read; default: the size of the file
   * @throws SluiceError `INPUT_UNREADABLE`
   */
  static async open(path: string, from = 0, end?: number): Promise<Window> {
    let file: FileHandle | undefined
    try {
      file = await open(path, 'r')
      const { size } = await file.stat()
      return new Window(file, from, Math.min(end ?? size, size))
    } catch (cause) {
      await file?.close()
      throw cannotOpen(path, cause)
    }
  }

  get offset(): number {
    return this.#at
  }

  /** Bytes between the window's start and the end of the file. */
  get left(): number {
    return this.#end - this.#at
  }

  /** The bytes from `offset` on: at least `length` of them, fewer at the end of the file, often more. */
  async view(length: number): Promise<Buffer> {
    const wanted = Math.min(length, this.left)
    if (this.#bytes.length < wanted) {
      const grown = Buffer.allocUnsafe(Math.min(Math.max(wanted, STEP), this.left))
      let filled = this.#bytes.copy(grown)
      while (filled < grown.length) {
        const { bytesRead } = await this.#file.read(grown, filled, grown.length - filled, this.#at + filled)
        if (bytesRead === 0) break
        filled += bytesRead
      }
      this.#bytes = grown.subarray(0, filled)
    }
    return this.#bytes
  }

  /** Goes on by so many bytes, seen or not. */
  skip(length: number): void {
    this.#at += length
    this.#bytes = this.#bytes.subarray(Math.min(length, this.#bytes.length))
  }

  /** Goes back to an offset that was seen before; its bytes are read again. */
  rewind(offset: number): void {
    this.#at = offset
    this.#bytes = Buffer.alloc(0)
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}

export function cannotOpen(path: string, cause: unknown): SluiceError {
  const reason = reasonOf(cause)
  return new SluiceError('INPUT_UNREADABLE', `cannot read ${path}: ${reason}`, { hint: 'check the path', cause })
}
