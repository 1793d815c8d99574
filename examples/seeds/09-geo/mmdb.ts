/**
 * The smallest MaxMind DB file (format 2.0) that says where this machine is: 127.0.0.0/8, and nothing else, is in the
 * country given. `node mmdb.ts BR country.mmdb`
 */
import { renameSync, writeFileSync } from 'node:fs'

/** Both pointers of each of the eight bits of 127: the last leads to the data, all other ways to nowhere. */
const BITS = [0, 1, 1, 1, 1, 1, 1, 1]
const tree = BITS.flatMap((bit, node) => {
  const next = node === BITS.length - 1 ? BITS.length + 16 : node + 1
  return bit === 0 ? [next, BITS.length] : [BITS.length, next]
}).flatMap((pointer) => [0, 0, pointer])

const text = (value: string): number[] => [(2 << 5) | value.length, ...Buffer.from(value)]
const number = (value: number): number[] => [(6 << 5) | 1, value]
const map = (entries: Record<string, number[]>): number[] => [
  (7 << 5) | Object.keys(entries).length,
  ...Object.entries(entries).flatMap(([name, value]) => [...text(name), ...value]),
]

/** Puts the file in place as one step, as whoever replaces a file should. */
export function writeCountry(path: string, country: string): void {
  const record = map({ country: map({ iso_code: text(country) }) })
  const about = map({
    node_count: number(BITS.length),
    record_size: number(24),
    ip_version: number(4),
    database_type: text('Fixture'),
    languages: [0, 4],
    binary_format_major_version: number(2),
    binary_format_minor_version: number(0),
    build_epoch: number(1),
    description: map({}),
  })
  const marker = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1')
  writeFileSync(`${path}.new`, Buffer.from([...tree, ...Buffer.alloc(16), ...record, ...marker, ...about]))
  renameSync(`${path}.new`, path)
}

if (import.meta.main) writeCountry(process.argv[3] ?? 'country.mmdb', process.argv[2] ?? 'BR')
