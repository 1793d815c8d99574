import { ITEM_COLUMNS, sinkSuite } from '../../src/testing/sink-suite.ts'
import { DATABASES, missing } from './database-servers.ts'
import { serverStorage } from './server-storages.ts'

for (const database of DATABASES) {
  const skip = await missing(database)
  sinkSuite(database, () => serverStorage(database, 'pages'), { skip })
  sinkSuite(`${database} of items`, () => serverStorage(database, 'items'), { skip, items: true })
  const items = { columns: ITEM_COLUMNS }
  sinkSuite(`${database} of items with a schema`, () => serverStorage(database, 'items'), { skip, items })
}
