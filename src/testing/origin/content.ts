/** A generated site: graph and shop are two. */
import type { Reply } from './reply.ts'
import type { OriginRequest } from './request.ts'

export interface Content {
  /** The reply to a page that is its own; undefined for any other. */
  respond(request: OriginRequest): Reply | undefined
}
