/**
 * What a `mongodb:` URL names: servers, a database and a collection. Opens nothing.
 *
 *     mongodb://[user:password@]host[:port][,host[:port]...]/DATABASE[/COLLECTION][?options of the driver]
 *     mongodb+srv://[user:password@]name/DATABASE[/COLLECTION][?options of the driver]
 */
import { SluiceError } from '../model/errors.ts'

export interface MongoTarget {
  /** For the driver: with the password, without the collection. */
  readonly connect: string
  /** For people, and the name of the sink: without user, password and options. */
  readonly shown: string
  readonly database: string
  /** Undefined: `pages`, or `items` where the job has an extractor. */
  readonly collection: string | undefined
}

/** Not a `URL`: that knows one host only. */
const FORM = /^(mongodb(?:\+srv)?:\/\/)([^/?#@]*@)?([^/?#@]+)\/([^/?#]+)(?:\/([^?#]+))?(\?[^#]*)?$/i
/** What the server refuses in names (docs.mongodb.com/manual/reference/limits), and what is ours. */
const BAD_DATABASE = /[/\\. "$*<>:|?\0]/
const BAD_COLLECTION = /^system\.|^_sluice_|[$\0]/

/** @throws SluiceError `OPTION_INVALID`; its message never repeats a password */
export function mongoTarget(text: string): MongoTarget {
  const found = FORM.exec(text)
  const [, scheme = '', user = '', hosts = '', given = '', named, options = ''] = found ?? []
  const database = decoded(given)
  const collection = named === undefined ? undefined : decoded(named)
  if (found === null || database === undefined || BAD_DATABASE.test(database)) throw refused('names no database')
  if (named !== undefined && (collection === undefined || BAD_COLLECTION.test(collection))) {
    throw refused('names no collection that there can be')
  }
  const connect = `${scheme}${user}${hosts}/${given}${options}`
  const place = `${scheme}${hosts}/${given}`
  return { connect, shown: named === undefined ? place : `${place}/${named}`, database, collection }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function refused(what: string): SluiceError {
  return new SluiceError('OPTION_INVALID', `the mongodb: URL of --out ${what}`, {
    hint: 'for example --out mongodb://127.0.0.1:27017/shop/items',
  })
}
