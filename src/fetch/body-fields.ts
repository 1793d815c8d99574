/** What the head of an answer says of its body, in one pass: every answer goes through here. */

export interface BodyFields {
  /** There are two different Locations. */
  readonly contradicts: boolean
  /** All values of Content-Type, joined by commas; undefined: none. */
  readonly type: string | undefined
  /** Content-Length; -1: none. */
  readonly length: number
  readonly encoding: string
  /** Values of Transfer-Encoding, a comma before each. */
  readonly transfer: string
}

/** @param rawHeaders flat: name, value, name, value … */
export function bodyFieldsOf(rawHeaders: readonly string[]): BodyFields {
  let encoding = ''
  let length = -1
  let transfer = ''
  let type: string | undefined
  let location: string | undefined
  let contradicts = false
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    const value = rawHeaders[i + 1] as string
    if (name.length === 12 && name.toLowerCase() === 'content-type')
      type = type === undefined ? value : `${type}, ${value}`
    else if (name.length === 14 && name.toLowerCase() === 'content-length') length = Number(value)
    else if (name.length === 16 && name.toLowerCase() === 'content-encoding')
      encoding = encoding === '' ? value : `${encoding}, ${value}`
    else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') transfer += `,${value}`
    else if (name.length === 8 && name.toLowerCase() === 'location') {
      contradicts ||= location !== undefined && location !== value
      location = value
    }
  }
  return { type, length, encoding, transfer, contradicts }
}
