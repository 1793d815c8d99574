/** The sharing of connections by itself, over transports that are scripted. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Pool } from '../../src/fetch/pool.ts'
import type { Connection, ConnectionOwner, Exchange } from '../../src/fetch/transport.ts'
import type { Origin, WireFailure } from '../../src/fetch/wire.ts'

function originOf(number: number): Origin {
  const key = `http://h${number}.test`
  return { key, route: key, proxy: undefined, secure: false, hostname: `h${number}.test`, port: 80 }
}

class ScriptedConnection implements Connection {
  readonly protocol = 'http/1.1'
  readonly dial = undefined
  served = 0
  exchange: ScriptedExchange | undefined
  destroyed = false
  readonly owner: ConnectionOwner

  constructor(owner: ConnectionOwner) {
    this.owner = owner
  }

  start(exchange: Exchange): void {
    assert.equal(this.exchange, undefined, 'one exchange at a time')
    assert.equal(this.destroyed, false)
    this.served++
    this.exchange = exchange as ScriptedExchange
    exchange.assigned(this)
  }

  /** The answer came. */
  finish(): void {
    const { exchange } = this
    this.exchange = undefined
    this.owner.freed(this)
    exchange?.ended()
  }

  /** The peer closed. */
  lose(): void {
    const { exchange } = this
    this.exchange = undefined
    this.destroyed = true
    this.owner.gone(this)
    exchange?.broke({ code: 'CONNECTION_RESET', message: 'lost' })
  }

  pause(): void {}
  resume(): void {}
  destroy(): void {
    this.destroyed = true
  }
}

class ScriptedExchange implements Exchange {
  readonly method = 'GET'
  readonly target = '/'
  readonly headers = []
  readonly body = undefined
  connection: Connection | undefined
  ends = 0
  assigned(connection: Connection): void {
    this.connection = connection
  }
  sent(): void {}
  answered(): void {}
  head(): void {}
  data(): void {}
  ended(): void {
    this.ends++
  }
  broke(_failure: WireFailure): void {
    this.ends++
  }
}

test('an origin leaves nothing behind once its connections are gone', () => {
  const open: ScriptedConnection[] = []
  const pool = new Pool({
    maxSockets: 100,
    open: (_origin, owner) => {
      const connection = new ScriptedConnection(owner)
      open.push(connection)
      return connection
    },
  })
  for (let i = 0; i < 20_000; i++) {
    pool.start(originOf(i), new ScriptedExchange(), 1)
    open.at(-1)?.finish()
    assert.ok(pool.origins <= 100 && pool.sockets <= 100)
  }
  assert.equal(open.filter(({ destroyed }) => !destroyed).length, 100)
})

test('whatever happens to connections, limits hold and every exchange gets its turn', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.array(
        fc.record({
          act: fc.constantFrom('start', 'start', 'finish', 'lose', 'withdraw', 'end'),
          site: fc.nat(3),
          pick: fc.nat(50),
          limit: fc.integer({ min: 1, max: 3 }),
        }),
        {
          maxLength: 120,
        },
      ),
      (maxSockets, steps) => {
        const limits = new Map<string, number>()
        const connections = new Map<ScriptedConnection, string>()
        const pool = new Pool({
          maxSockets,
          open: (origin, owner) => {
            const connection = new ScriptedConnection(owner)
            connections.set(connection, origin.key)
            return connection
          },
        })
        const live = (): ScriptedConnection[] => [...connections.keys()].filter(({ destroyed }) => !destroyed)
        const busy = (): ScriptedConnection[] => live().filter(({ exchange }) => exchange !== undefined)
        const exchanges: { readonly exchange: ScriptedExchange; readonly origin: Origin; withdrawn: boolean }[] = []
        for (const { act, site, pick, limit } of steps) {
          const origin = originOf(site)
          if (act === 'start') {
            limits.set(origin.key, Math.max(limits.get(origin.key) ?? 0, limit))
            const exchange = new ScriptedExchange()
            exchanges.push({ exchange, origin, withdrawn: false })
            pool.start(origin, exchange, limit)
          } else if (act === 'finish') busy()[pick % Math.max(1, busy().length)]?.finish()
          else if (act === 'lose') live()[pick % Math.max(1, live().length)]?.lose()
          else if (act === 'withdraw') {
            const one = exchanges[pick % Math.max(1, exchanges.length)]
            if (one !== undefined && pool.withdraw(one.origin, one.exchange)) one.withdrawn = true
          } else {
            const connection = busy()[pick % Math.max(1, busy().length)]
            if (connection !== undefined) {
              const one = exchanges.find(({ exchange }) => exchange === connection.exchange)
              if (one !== undefined) one.withdrawn = true
              connection.exchange = undefined
              pool.end(originOf(Number(/\d/.exec(connections.get(connection) as string)?.[0])), connection)
            }
          }
          assert.equal(pool.sockets, live().length)
          assert.ok(pool.sockets <= maxSockets)
          for (const [key, most] of limits)
            assert.ok(live().filter((one) => connections.get(one) === key).length <= most)
        }
        for (let rounds = 0; busy().length > 0; rounds++) {
          assert.ok(rounds < 1000)
          for (const connection of busy()) connection.finish()
        }
        for (const { exchange, withdrawn } of exchanges) assert.equal(exchange.ends, withdrawn ? 0 : 1)
        pool.close()
        assert.equal(pool.sockets, 0)
        assert.equal(pool.origins, 0)
      },
    ),
    { numRuns: 300 },
  )
})
