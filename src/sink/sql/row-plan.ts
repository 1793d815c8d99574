/** What the rows of a SQL sink on a server are: page records or items. Interface only. */
import type { SeqPosition } from '../seq-position.ts'
import type { JobInfo, SinkRecord } from '../sink.ts'
import type { Rows } from './rows.ts'
import type { Insert, SqlConnection, SqlServer } from './server.ts'

/** Where the rows of a job go. */
export interface Place {
  readonly server: SqlServer
  /** Name of the output, for messages. */
  readonly output: string
  readonly table: string
  readonly job: JobInfo
  /** What the job has stored there before. */
  readonly used: SeqPosition
}

export interface RowPlan {
  /** Makes or checks tables. Outside of a transaction: some databases commit with each such statement. */
  prepare(connection: SqlConnection): Promise<void>
  /** Removes what was written above the committed number, and puts back what it had replaced. */
  takeBack(connection: SqlConnection): Promise<void>
  /** Rows that the batch writes; `keep` and `sweep` are about the batch given last. */
  rows(batch: readonly SinkRecord[]): Rows
  /** Target of the rows; undefined where there is no table yet. */
  readonly insert: Insert | undefined
  /** Keeps what the batch replaces, before it is written. @param before highest number of the batches before */
  keep(connection: SqlConnection, before: number): Promise<void>
  /** After `keep`: whether rows of the batch may be there already. */
  readonly replaces: boolean
  /** Removes what the batch has made obsolete, after it is written. */
  sweep(connection: SqlConnection, before: number): Promise<void>
}
