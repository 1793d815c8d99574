import type { Lab } from './lab.ts'

/** Registers one test of the suite; `a store`: only where something survives the process. */
export type Check = (title: string, body: (lab: Lab) => Promise<void>, needs?: 'a store') => void
