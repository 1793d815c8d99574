/**
 * The length of a record in bytes as decimal digits and CRLF, then the record (`delimited=length` of Twitter's streaming
 * API, whose lengths count the CRLF behind the record). Empty lines between records are keep-alives.
 */
import { SluiceError } from '../../model/errors.ts'
import { textOf } from '../text.ts'
import type { Decoder, DecoderOptions } from './decoder.ts'
import { RecordBuffer, tooLarge } from './record-buffer.ts'

const LF = 10
/** Digits of a length and its line end: a longer line is no length. */
const LONGEST_PREFIX = 24

export function delimitedDecoder({ maxBytes, onRecord }: DecoderOptions): Decoder {
  const prefix = new RecordBuffer(LONGEST_PREFIX * 2)
  const record = new RecordBuffer(maxBytes)
  /** Bytes that the record still lacks; 0 while its length is being read. */
  let missing = 0

  function begin(line: string): void {
    if (line === '') return
    if (!/^\d{1,15}$/.test(line)) throw noLength(line)
    missing = Number(line)
    if (missing > maxBytes) throw tooLarge(maxBytes)
  }

  return {
    push(chunk) {
      let at = 0
      while (at < chunk.length) {
        if (missing > 0) {
          const piece = chunk.subarray(at, at + missing)
          at += piece.length
          missing -= piece.length
          if (missing > 0) record.add(piece)
          else {
            const text = textOf(record.take(piece)).replace(/[\r\n]+$/, '')
            if (text !== '') onRecord({ text })
          }
          continue
        }
        const end = chunk.indexOf(LF, at)
        const piece = chunk.subarray(at, end < 0 ? undefined : end)
        if (prefix.length + piece.length > LONGEST_PREFIX) throw noLength(textOf(piece))
        at = end < 0 ? chunk.length : end + 1
        if (end < 0) prefix.add(piece)
        else begin(prefix.take(piece).toString('latin1').trim())
      }
    },
    // A record that lacks bytes is half, whatever the framing of the answer says.
    end() {},
  }
}

function noLength(text: string): SluiceError {
  return new SluiceError(
    'BAD_FRAMING',
    `the stream has ${JSON.stringify(text.slice(0, 60))} where a length should be`,
    {
      hint: 'try --as ndjson',
    },
  )
}
