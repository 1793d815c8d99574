/** The table as it is in the file: how many rows, and each with its page. */
import { DatabaseSync } from 'node:sqlite'

const database = new DatabaseSync('images.sqlite', { readOnly: true })
const rows = database.prepare('SELECT page, src, [group] FROM MovieData ORDER BY page').all()
console.log(`${rows.length} rows, ${new Set(rows.map(({ src }) => src)).size} different`)
if (process.argv.includes('--all')) for (const { page, src, group } of rows) console.log(`${page} ${src} ${group}`)
