import { frontierSuite } from '../../src/testing/frontier-suite.ts'
import { memoryStorage, sqliteStorage } from './storages.ts'

frontierSuite('memory', memoryStorage)
frontierSuite('sqlite', () => sqliteStorage())
// The smallest budget: fingerprints and queues are on disk nearly from the start.
frontierSuite('sqlite in little memory', () => sqliteStorage(1))
