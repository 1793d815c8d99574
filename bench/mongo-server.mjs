/** The double of MongoDB's protocol as a process: tells its parent the URL and serves until it is ended. */
import { startMongoDouble } from '../examples/seeds/06-mongo/mongo-double.ts'

const { url } = await startMongoDouble()
process.send(url)
process.on('disconnect', () => process.exit())
