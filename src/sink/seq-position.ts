/** The position of an output that numbers its own commits: the highest number stored in it. Pure. */
import { SluiceError } from '../model/errors.ts'

/** `storedItems`: the position was left by a sink that had made its table of items. */
export interface SeqPosition {
  /** Highest number stored; 0 where none was. */
  readonly stored: number
  readonly storedItems: boolean
}

export function encodePosition(seq: number, hasItemTable: boolean): Uint8Array {
  return Buffer.from(JSON.stringify(hasItemTable ? { v: 1, seq, items: true } : { v: 1, seq }))
}

/** @param name of the output, for the message. @throws SluiceError `FORMAT_UNSUPPORTED` */
export function decodePosition(position: Uint8Array | undefined, name: string): SeqPosition {
  if (position === undefined) return { stored: 0, storedItems: false }
  const found = /^\{"v":1,"seq":(\d{1,15})(,"items":true)?\}$/.exec(Buffer.from(position).toString())
  if (found !== null) return { stored: Number(found[1]), storedItems: found[2] !== undefined }
  throw new SluiceError('FORMAT_UNSUPPORTED', `the stored position of ${name} is not one this version can read`)
}
