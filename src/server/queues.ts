/** `sluice/queues`: queues for a program of one's own, and their routes to be mounted where it serves. */
export { openQueues } from '../job/open-queues.ts'
export type { OpenQueuesInit } from '../job/open-queues.ts'
export type { Queues, QueueSettings, QueueStats } from '../job/index.ts'
export type { ClaimedMessage, ListedMessage, Message, NewMessage, Verdict } from '../job/index.ts'
export { queueApi } from './queue-api.ts'
export type { QueueApiInit } from './queue-api.ts'
