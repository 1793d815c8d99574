/** Smallest MaxMind DB files (format 2.0, maxmind.github.io/MaxMind-DB): IPv4 networks, records of 24 bits. Fixtures only. */

type Value = string | number | { readonly [name: string]: Value } | readonly Value[]

const SEPARATOR = 16

/** `{ '10.0.0.0/8': { country: { iso_code: 'BR' } } }` → the bytes of a file. Networks must not hold one another. */
export function mmdbOf(networks: Readonly<Record<string, Value>>): Buffer {
  /** A child: index of a node, or the place of a record. */
  const nodes: [Child, Child][] = [[undefined, undefined]]
  const data: Buffer[] = []
  let length = 0
  for (const [network, value] of Object.entries(networks)) {
    const [address = '', bits = '32'] = network.split('/')
    const number = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
    const place = { offset: length }
    data.push(encoded(value))
    length += (data.at(-1) as Buffer).length
    let at = 0
    for (let bit = 0; bit < Number(bits); bit++) {
      const side = Math.floor(number / 2 ** (31 - bit)) % 2 === 0 ? 0 : 1
      const node = nodes[at] as [Child, Child]
      if (bit === Number(bits) - 1) node[side] = place
      else {
        node[side] ??= nodes.push([undefined, undefined]) - 1
        at = node[side] as number
      }
    }
  }
  const tree = Buffer.alloc(nodes.length * 6)
  for (const [i, node] of nodes.entries()) {
    for (const [side, child] of node.entries()) {
      const pointer =
        child === undefined ? nodes.length : typeof child === 'number' ? child : nodes.length + SEPARATOR + child.offset
      tree.writeUIntBE(pointer, i * 6 + side * 3, 3)
    }
  }
  const metadata = encoded({
    node_count: nodes.length,
    record_size: 24,
    ip_version: 4,
    database_type: 'Fixture',
    languages: [],
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 1,
    description: {},
  })
  const marker = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1')
  return Buffer.concat([tree, Buffer.alloc(SEPARATOR), ...data, marker, metadata])
}

type Child = number | { readonly offset: number } | undefined

/** Texts of fewer than 285 bytes, unsigned 32-bit numbers, maps and arrays of fewer than 29 members. */
function encoded(value: Value): Buffer {
  if (typeof value === 'string') {
    const { length } = value
    const control = length < 29 ? [(2 << 5) | length] : [(2 << 5) | 29, length - 29]
    return Buffer.concat([Buffer.from(control), Buffer.from(value)])
  }
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(5)
    bytes[0] = (6 << 5) | 4
    bytes.writeUInt32BE(value, 1)
    return bytes
  }
  if (Array.isArray(value)) return Buffer.concat([Buffer.from([value.length, 11 - 7]), ...value.map(encoded)])
  const entries = Object.entries(value)
  return Buffer.concat([
    Buffer.from([(7 << 5) | entries.length]),
    ...entries.flat().map((part) => encoded(part as Value)),
  ])
}
