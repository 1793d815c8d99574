/** `sluice/server`: a service of jobs for a program of one's own, and what the command line needs of it. */
export { readKeys } from './keys.ts'
export { listenService } from './listen.ts'
export type { ListeningService, ListenInit } from './listen.ts'
export { createService } from './service.ts'
export type { Service, ServiceOptions } from './service.ts'
export type { KeyHolder } from '../access.ts'
