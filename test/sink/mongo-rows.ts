/** Reads what a sink has stored in MongoDB, by the driver alone. */
import { MongoClient } from 'mongodb'

const OWN = new Set(['_id', '_key', '_url', '_run', '_seq', '_page', '_job', '_more'])

/** Documents in the order of their numbers, as the values they were made of. */
export async function mongoRows(url: string, collection: string): Promise<unknown[]> {
  const client = new MongoClient(url)
  try {
    const documents = await client.db().collection(collection).find({}).toArray()
    return documents
      .toSorted((a, b) => Number(a['_seq']) - Number(b['_seq']))
      .map((document) => {
        const fields = Object.entries(document).filter(([name]) => !OWN.has(name))
        const more =
          document['_more'] === undefined ? [] : Object.entries(JSON.parse(String(document['_more'])) as object)
        return Object.fromEntries([...fields, ...more])
      })
  } finally {
    await client.close()
  }
}
