/** Bytes of a record that is not whole yet, bounded. Knows no shape. */
import { SluiceError } from '../../model/errors.ts'

export class RecordBuffer {
  readonly #maxBytes: number
  #pieces: Buffer[] = []
  length = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Keeps a copy: the piece belongs to the transport. @throws SluiceError `TOO_LARGE` */
  add(piece: Uint8Array): void {
    if (piece.length === 0) return
    this.length += piece.length
    if (this.length > this.#maxBytes) throw tooLarge(this.#maxBytes)
    this.#pieces.push(Buffer.from(piece))
  }

  /** What was kept, followed by `last`; the buffer is empty afterwards. @throws SluiceError `TOO_LARGE` */
  take(last: Uint8Array): Buffer {
    if (this.length + last.length > this.#maxBytes) throw tooLarge(this.#maxBytes)
    const whole =
      this.#pieces.length === 0
        ? Buffer.from(last.buffer, last.byteOffset, last.byteLength)
        : Buffer.concat([...this.#pieces, last])
    this.#pieces = []
    this.length = 0
    return whole
  }
}

export function tooLarge(maxBytes: number): SluiceError {
  return new SluiceError('TOO_LARGE', `a record of the stream is larger than the ${maxBytes} bytes that are taken`, {
    hint: 'raise --max-size',
  })
}
