/** Which decoder a shape has, and which shape an answer. */
import { SluiceError } from '../../model/errors.ts'
import type { Decoder, DecoderOptions, Shape } from './decoder.ts'
import { delimitedDecoder } from './delimited.ts'
import { lineDecoder } from './lines.ts'
import { sseDecoder } from './sse.ts'

/** @throws SluiceError `OPTION_INVALID` for `ws`, whose messages need no decoder */
export function createDecoder(shape: Shape, options: DecoderOptions): Decoder {
  switch (shape) {
    case 'sse':
      return sseDecoder(options)
    case 'ndjson':
    case 'lines':
      return lineDecoder(options)
    case 'delimited':
      return delimitedDecoder(options)
    case 'ws':
      throw new SluiceError('OPTION_INVALID', '--as ws needs a URL of ws: or wss:')
  }
}

/** Shape of an answer nobody named one for, by its MIME essence; lines of JSON where that says nothing. */
export function shapeOf(contentType: string): Shape {
  if (contentType === 'text/event-stream') return 'sse'
  return contentType === 'text/plain' ? 'lines' : 'ndjson'
}
