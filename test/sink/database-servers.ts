/**
 * Database servers for tests: the one that an environment variable names (`SLUICE_TEST_POSTGRES`, `SLUICE_TEST_MYSQL`),
 * else the one at the usual port of this machine. `privateServer` starts one of its own from the programs that are
 * installed, to be stopped and killed. Where there is none a test is skipped by name; under `CI=true` that is a failure.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createConnection } from 'mysql2/promise'
import pg from 'pg'

export type Database = 'postgres' | 'mysql'
export const DATABASES: readonly Database[] = ['postgres', 'mysql']

const USUAL: Readonly<Record<Database, string>> = {
  postgres: process.env['SLUICE_TEST_POSTGRES'] ?? 'postgres://postgres@127.0.0.1:5432/test',
  mysql: process.env['SLUICE_TEST_MYSQL'] ?? 'mysql://root@127.0.0.1:3306/test',
}

/** Rows of a statement; the connection lasts as long as it. Columns of one name follow the driver. */
export async function ask(url: string, sql: string): Promise<Record<string, unknown>[]> {
  if (url.startsWith('postgres')) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 })
    await client.connect()
    try {
      return (await client.query(sql)).rows as Record<string, unknown>[]
    } finally {
      await client.end()
    }
  }
  const connection = await createConnection({ uri: url, connectTimeout: 10_000 })
  try {
    // As arrays: the driver refuses a column called `__proto__`.
    const [rows, fields] = await connection.query({ sql, rowsAsArray: true })
    if (!Array.isArray(rows)) return []
    return (rows as unknown[][]).map((row) => Object.fromEntries(row.map((cell, i) => [fields[i]?.name ?? '', cell])))
  } finally {
    await connection.end()
  }
}

/** Why there is no server of that kind, or false. */
export async function missing(database: Database): Promise<string | false> {
  try {
    await ask(USUAL[database], 'SELECT 1')
    return false
  } catch (error) {
    const why = `no ${database} server at ${USUAL[database]}: ${error instanceof Error ? error.message : String(error)}`
    if (process.env['CI'] === 'true') throw new Error(why, { cause: error })
    return why
  }
}

export interface EmptyDatabase {
  readonly url: string
  remove(): Promise<void>
}

/** A schema (PostgreSQL) or database (MySQL) with nothing in it. @param server default: the usual one */
export async function emptyDatabase(database: Database, server: string = USUAL[database]): Promise<EmptyDatabase> {
  const name = `sluice_${randomBytes(6).toString('hex')}`
  if (database === 'postgres') {
    await ask(server, `CREATE SCHEMA ${name}`)
    const url = new URL(server)
    url.searchParams.set('options', `-c search_path=${name}`)
    return { url: url.href, remove: async () => void (await ask(server, `DROP SCHEMA ${name} CASCADE`)) }
  }
  await ask(server, `CREATE DATABASE ${name}`)
  const url = new URL(server)
  url.pathname = `/${name}`
  return { url: url.href, remove: async () => void (await ask(server, `DROP DATABASE ${name}`)) }
}

export interface PrivateServer {
  readonly url: string
  /** As a crash: SIGKILL, and no process of it is left. */
  kill(): Promise<void>
  /** Resolves when it answers. */
  start(): Promise<void>
  remove(): Promise<void>
}

/** Why none can be started, or false. */
export function cannotStart(database: Database): string | false {
  const wanted = database === 'postgres' ? ['initdb', 'postgres'] : ['mariadb-install-db', 'mariadbd']
  const absent = wanted.filter((name) => programOf(name) === undefined)
  if (absent.length === 0) return false
  const why = `${absent.join(' and ')} not installed`
  if (process.env['CI'] === 'true') throw new Error(why)
  return why
}

/** A server of its own on a free port, in a folder of its own, started. */
export async function privateServer(database: Database): Promise<PrivateServer> {
  const folder = mkdtempSync(join(tmpdir(), `sluice-${database}-`))
  const data = join(folder, 'data')
  mkdirSync(data)
  const owner = ownerOf(database)
  for (const path of owner === undefined ? [] : [folder, data]) chownSync(path, owner?.uid ?? 0, owner?.gid ?? 0)
  const port = await freePort()
  const url =
    database === 'postgres' ? `postgres://postgres@127.0.0.1:${port}/postgres` : `mysql://root@127.0.0.1:${port}/test`
  const start = database === 'postgres' ? preparePostgres(data, port, owner) : prepareMysql(folder, data, port, owner)
  let child: ChildProcess | undefined
  const server: PrivateServer = {
    url,
    async start() {
      // The children of a killed PostgreSQL follow it when they notice; until then a new one refuses the folder.
      for (let tries = 1; ; tries++) {
        child = start()
        try {
          return await answering(url, child)
        } catch (error) {
          if (tries === STARTS) throw error
        }
      }
    },
    async kill() {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      // Those of PostgreSQL answer until they notice that it is gone.
      const children = childrenOf(child)
      child.kill('SIGKILL')
      for (const pid of children) {
        try {
          process.kill(pid, 'SIGKILL')
        } catch {
          // It has ended by itself.
        }
      }
      await ended
    },
    async remove() {
      await server.kill()
      rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
    },
  }
  await server.start()
  return server
}

function childrenOf({ pid = 0 }: ChildProcess): number[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n')
  return lines
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([own = 0, parent]) => (parent === pid ? [own] : []))
}

/** Tries to start over the rests of a server that was killed. */
const STARTS = 100

interface Owner {
  readonly uid: number
  readonly gid: number
}

/** Databases refuse to run as root. */
function ownerOf(database: Database): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined
  const id = (what: string): number => Number(execFileSync('id', [what, database], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

function preparePostgres(data: string, port: number, owner: Owner | undefined): () => ChildProcess {
  const options = { stdio: 'ignore', cwd: data, ...owner } as const
  execFileSync(
    programOf('initdb') ?? '',
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '-N'],
    options,
  )
  const args = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', '', '-c', 'fsync=off']
  return () => spawn(programOf('postgres') ?? '', args, options)
}

function prepareMysql(folder: string, data: string, port: number, owner: Owner | undefined): () => ChildProcess {
  const user = owner === undefined ? [] : ['--user=mysql']
  execFileSync(
    programOf('mariadb-install-db') ?? '',
    ['--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal', ...user],
    { stdio: 'ignore' },
  )
  const args = ['--no-defaults', `--datadir=${data}`, `--port=${port}`, '--bind-address=127.0.0.1', ...user]
  const rest = [`--socket=${join(folder, 's')}`, '--innodb-flush-log-at-trx-commit=2', '--innodb-buffer-pool-size=32M']
  return () => spawn(programOf('mariadbd') ?? '', [...args, ...rest], { stdio: 'ignore', cwd: data })
}

/** Tries until it answers: the server tells nobody when it is ready. */
async function answering(url: string, child: ChildProcess): Promise<void> {
  const empty = url.replace(/\/test$/, '/')
  for (;;) {
    try {
      await ask(empty, 'SELECT 1')
      break
    } catch (error) {
      if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`, { cause: error })
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  if (empty !== url) await ask(empty, 'CREATE DATABASE IF NOT EXISTS test')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Below PATH, or where Debian keeps the programs of PostgreSQL. */
function programOf(name: string): string | undefined {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).toSorted((a, b) => Number(b) - Number(a)) : []
  const folders = [
    ...versions.map((version) => join(debian, version, 'bin')),
    ...(process.env['PATH'] ?? '').split(delimiter),
  ]
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
}
