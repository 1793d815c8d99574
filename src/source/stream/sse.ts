/**
 * Server-sent events (WHATWG HTML 9.2.6, by `eventsource-parser`): an event with data is a record, comments and events
 * without data are keep-alives. The only importer of the parser.
 */
import { createParser } from 'eventsource-parser'
import type { Decoder, DecoderOptions } from './decoder.ts'
import { tooLarge } from './record-buffer.ts'

export function sseDecoder({ maxBytes, onRecord, onRetry, lastId = '' }: DecoderOptions): Decoder {
  // Of the bytes by RFC 3629, whatever pieces they come in; the parser takes a byte order mark off itself.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let id = lastId
  let isTooLarge = false
  const parser = createParser({
    // Characters are at most as many as bytes.
    maxBufferSize: maxBytes,
    onId: (given) => {
      id = given
    },
    onEvent: ({ data, event }) => {
      onRecord({ text: data, id, ...(event === undefined || event === 'message' ? {} : { event }) })
    },
    ...(onRetry === undefined ? {} : { onRetry }),
    onError: ({ type }) => {
      // Unknown fields are ignored, as the standard has it.
      if (type === 'max-buffer-size-exceeded') isTooLarge = true
    },
  })
  return {
    push(chunk) {
      parser.feed(decoder.decode(chunk, { stream: true }))
      if (isTooLarge) throw tooLarge(maxBytes)
    },
    // An event without its blank line is discarded (9.2.6).
    end() {},
  }
}
