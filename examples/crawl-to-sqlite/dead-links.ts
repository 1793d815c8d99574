import { DatabaseSync } from 'node:sqlite'

const [path = 'pages.sqlite'] = process.argv.slice(2)
const database = new DatabaseSync(path, { readOnly: true })
for (const row of database.prepare(`SELECT url, "from" FROM pages WHERE outcome = 'gone' ORDER BY url`).iterate()) {
  console.log(`${row['url']} is dead, linked on ${row['from']}`)
}
database.close()
