import { sinkSuite } from '../../src/testing/sink-suite.ts'
import { storage } from './storages.ts'

sinkSuite('ndjson', () => storage('ndjson'))
sinkSuite('gzip ndjson', () => storage('gzip'))
sinkSuite('csv', () => storage('csv'))
sinkSuite('sqlite', () => storage('sqlite'))
sinkSuite('folder', () => storage('files'))
sinkSuite('ndjson with durability power', () => storage('ndjson', 'power'))
sinkSuite('csv with durability power', () => storage('csv', 'power'))
sinkSuite('sqlite with durability power', () => storage('sqlite', 'power'))
