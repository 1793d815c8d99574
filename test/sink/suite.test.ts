import { ITEM_COLUMNS, sinkSuite } from '../../src/testing/sink-suite.ts'
import { itemStorage, storage } from './storages.ts'

sinkSuite('ndjson', () => storage('ndjson'))
sinkSuite('gzip ndjson', () => storage('gzip'))
sinkSuite('zstd ndjson', () => storage('zstd'))
sinkSuite('gzip csv', () => storage('gzip csv'))
sinkSuite('zstd csv', () => storage('zstd csv'))
sinkSuite('csv', () => storage('csv'))
sinkSuite('sqlite', () => storage('sqlite'))
sinkSuite('folder', () => storage('files'))
sinkSuite('folder with named files', () => storage('named files'))
sinkSuite('ndjson with durability power', () => storage('ndjson', 'power'))
sinkSuite('csv with durability power', () => storage('csv', 'power'))
sinkSuite('sqlite with durability power', () => storage('sqlite', 'power'))

for (const kind of ['ndjson', 'gzip', 'zstd', 'csv', 'gzip csv', 'sqlite'] as const) {
  sinkSuite(`${kind} of items`, () => itemStorage(kind), { items: true })
}
for (const kind of ['csv', 'zstd csv', 'sqlite'] as const) {
  sinkSuite(`${kind} of items with a schema`, () => itemStorage(kind), { items: { columns: ITEM_COLUMNS } })
}
sinkSuite('parquet', () => storage('parquet'))
sinkSuite('parquet of items', () => itemStorage('parquet'), { items: true })
sinkSuite('parquet of items with a schema', () => itemStorage('parquet', ITEM_COLUMNS), {
  items: { columns: ITEM_COLUMNS },
})
sinkSuite('web archive', () => storage('warc'))
sinkSuite('uncompressed web archive', () => storage('plain-warc'))
sinkSuite('web archive with durability power', () => storage('warc', 'power'))
