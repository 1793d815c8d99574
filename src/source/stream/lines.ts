/** A record a line, ended by LF or CRLF; empty lines are keep-alives (NDJSON, ndjson.org; JSON Lines). */
import { textOf } from '../text.ts'
import type { Decoder, DecoderOptions } from './decoder.ts'
import { RecordBuffer } from './record-buffer.ts'

const LF = 10
const CR = 13

export function lineDecoder({ maxBytes, onRecord }: DecoderOptions): Decoder {
  const rest = new RecordBuffer(maxBytes)

  function give(line: Buffer): void {
    const end = line.at(-1) === CR ? line.length - 1 : line.length
    if (end > 0) onRecord({ text: textOf(line.subarray(0, end)) })
  }

  return {
    push(chunk) {
      let at = 0
      for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, at)) {
        give(rest.take(chunk.subarray(at, end)))
        at = end + 1
      }
      rest.add(chunk.subarray(at))
    },
    end() {
      if (rest.length > 0) give(rest.take(new Uint8Array(0)))
    },
  }
}
