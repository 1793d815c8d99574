/** A database for this row alone: `node database.ts make` prints its URL, `node database.ts drop URL` removes it. */
import { createConnection } from 'mysql2/promise'

const [command, url = process.env['SLUICE_TEST_MYSQL'] ?? 'mysql://root@127.0.0.1:3306/'] = process.argv.slice(2)
const server = new URL(url)
const name = command === 'make' ? `images_${process.pid}_${process.hrtime.bigint()}` : server.pathname.slice(1)
server.pathname = '/'
const connection = await createConnection(server.href)
await connection.query(command === 'make' ? 'CREATE DATABASE ??' : 'DROP DATABASE ??', [name])
await connection.end()
server.pathname = `/${name}`
if (command === 'make') console.log(server.href)
