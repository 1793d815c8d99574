/** What an extractor found on a page, as it is handed on and stored. */

export interface ExtractedItem {
  /** Validated value as one line of JSON. */
  readonly json: string
  /** Position among the items of the page, 0-based, invalid ones counted. */
  readonly position: number
  /** The item's own key (`key` of the extractor); undefined: request and position identify it. */
  readonly key: string | undefined
}

/** One field of the items, as their schema declares it. */
export interface ItemColumn {
  readonly name: string
  readonly type: 'text' | 'integer' | 'number' | 'boolean' | 'json'
  readonly required: boolean
}
