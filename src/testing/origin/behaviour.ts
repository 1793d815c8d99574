/** What the tables of behaviours have in common. */
import type { Reply } from './reply.ts'
import type { OriginRequest } from './request.ts'

/** Answers /name/arg; `arg` is '' where there is none. Undefined: 404. */
export type Behaviour = (arg: string, request: OriginRequest) => Reply | undefined

/** A number from the path, or the default where the path has none. */
export function numberOf(arg: string, fallback: number): number {
  const number = Number(arg)
  return arg !== '' && Number.isFinite(number) && number >= 0 ? number : fallback
}
