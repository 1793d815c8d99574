import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { sinkKindOf } from '../../src/sink/kind.ts'
import { mongoTarget } from '../../src/sink/mongo-target.ts'
import { redisTarget } from '../../src/sink/redis-target.ts'
import { temporaryFolder } from './storages.ts'

test('the text of --out names its sink by scheme, ending or existing folder', async () => {
  const folder = temporaryFolder()
  const cases: Record<string, [string, string, ('gzip' | 'zstd')?]> = {
    '-': ['stdout', '-'],
    'a.ndjson': ['ndjson', 'a.ndjson'],
    'a/b.JSONL': ['ndjson', 'a/b.JSONL'],
    'a.ndjson.gz': ['ndjson', 'a.ndjson.gz', 'gzip'],
    'a.jsonl.GZ': ['ndjson', 'a.jsonl.GZ', 'gzip'],
    'a.csv.gz': ['csv', 'a.csv.gz', 'gzip'],
    'a.ndjson.zst': ['ndjson', 'a.ndjson.zst', 'zstd'],
    'a.parquet': ['parquet', 'a.parquet'],
    'mongodb://h/db/pages': ['mongodb', 'mongodb://h/db/pages'],
    'mongodb+srv://u:p@h/db': ['mongodb', 'mongodb+srv://u:p@h/db'],
    'a.warc': ['warc', 'a.warc'],
    'a.WARC.gz': ['warc', 'a.WARC.gz'],
    'a.csv': ['csv', 'a.csv'],
    'C:\\x\\a.csv': ['csv', 'C:\\x\\a.csv'],
    'a.sqlite': ['sqlite', 'a.sqlite'],
    'a.db': ['sqlite', 'a.db'],
    'sqlite:./data/shop': ['sqlite', './data/shop'],
    'redis://h:7000/2?stream=items': ['redis', 'redis://h:7000/2?stream=items'],
    'rediss://u:p@h': ['redis', 'rediss://u:p@h'],
    'pages/': ['dir', 'pages/'],
    'odd.csv/': ['dir', 'odd.csv/'],
    'a:b.csv': ['csv', 'a:b.csv'],
    [folder.path]: ['dir', folder.path],
    [join(folder.path, 'x.csv')]: ['csv', join(folder.path, 'x.csv')],
  }
  for (const [out, [kind, path, compression]] of Object.entries(cases)) {
    assert.deepEqual(sinkKindOf(out), { kind, path, ...(compression === undefined ? {} : { compression }) }, out)
  }
  await folder.remove()
})

test('an output that is unknown is refused with what exists', () => {
  const unknown = [
    '',
    'pages',
    'a.txt',
    'a.csv.bz2',
    'a.gz',
    'https://a.example/x.csv',
    'sqlite:',
    'sqlite::memory:',
    'a\0.csv',
  ]
  for (const out of unknown)
    assert.throws(() => sinkKindOf(out), { code: 'OPTION_INVALID', hint: /\.ndjson.*sqlite:PATH/ }, out)
})

test('what is said of an unknown output holds no password', () => {
  for (const out of ['https://me:s3cret@a.example/x', 'ftp://s3cret@a.example', 'me:s3cret@a.example/db']) {
    assert.throws(
      () => sinkKindOf(out),
      ({ message }: Error) => message.includes('a.example') && !message.includes('s3cret'),
      out,
    )
  }
})

test('the URL of a database server is handed on whole', () => {
  for (const [scheme, kind] of Object.entries({
    postgres: 'postgres',
    postgresql: 'postgres',
    mysql: 'mysql',
    mariadb: 'mysql',
  })) {
    const out = `${scheme}://me:secret@h/db#x`
    assert.deepEqual(sinkKindOf(out), { kind, path: out })
  }
})

test('a name behind # in sqlite: is a table, a # in a folder or before an ending is a part of the path', () => {
  assert.deepEqual(sinkKindOf('sqlite:shop.db#items_2'), {
    kind: 'sqlite',
    path: 'shop.db',
    table: 'items_2',
  })
  assert.equal(sinkKindOf('sqlite:a#b/shop.db').path, 'a#b/shop.db')
  assert.equal(sinkKindOf('sqlite:shop#1.db').path, 'shop#1.db')
})

test('a path with braces is a folder and the template of the names in it', () => {
  const of = (out: string): unknown[] => [sinkKindOf(out).kind, sinkKindOf(out).path, sinkKindOf(out).template]
  assert.deepEqual(of('a/files/{host}/{path}{ext}'), ['dir', 'a/files', '{host}/{path}{ext}'])
  assert.deepEqual(of('a/x-{n}.ndjson'), ['dir', 'a', 'x-{n}.ndjson'])
  assert.deepEqual(of('{n}'), ['dir', '.', '{n}'])
  assert.deepEqual(of('/{n}'), ['dir', '/', '{n}'])
})

test('a redis: URL names one form and one name; what is shown of it holds no password', () => {
  const { form, name, shown, connect } = redisTarget('rediss://reader:canary@[::1]:7000/3?list=a%20b')
  assert.deepEqual({ form, name, shown }, { form: 'list', name: 'a b', shown: 'rediss://[::1]:7000/3?list=a%20b' })
  assert.equal(connect, 'rediss://reader:canary@[::1]:7000/3')
  assert.deepEqual(redisTarget('redis://h'), {
    form: 'hash',
    name: undefined,
    shown: 'redis://h:6379/0',
    connect: 'redis://h',
  })
  const wrong = [
    'redis:',
    'redis://',
    'redis://h/shop',
    'redis://h?table=x',
    'redis://h?list=a&hash=b',
    'redis://h?list=',
  ]
  for (const url of [...wrong, 'redis://h?hash=_sluice_commit:{x}', 'redis://u:canary@h?list']) {
    const refused = (error: Error & { code?: string }): boolean =>
      error.code === 'OPTION_INVALID' && !/canary/.test(error.message)
    assert.throws(() => redisTarget(url), refused, url)
  }
})

test('a mongodb: URL names a database and may name a collection; what is shown of it holds no password', () => {
  assert.deepEqual(mongoTarget('mongodb://u:canary@a:1,b:2/shop/items?replicaSet=r'), {
    connect: 'mongodb://u:canary@a:1,b:2/shop?replicaSet=r',
    shown: 'mongodb://a:1,b:2/shop/items',
    database: 'shop',
    collection: 'items',
  })
  assert.equal(mongoTarget('mongodb+srv://h/shop').collection, undefined)
  const wrong = [
    'mongodb:',
    'mongodb://h',
    'mongodb://h/',
    'mongodb://h/a.b',
    'mongodb://h/%E0/x',
    'mongodb://h/db/a$b',
  ]
  for (const url of [...wrong, 'mongodb://h/db/_sluice_commit', 'mongodb://u:canary@h']) {
    const refused = (error: Error & { code?: string }): boolean =>
      error.code === 'OPTION_INVALID' && !/canary/.test(error.message)
    assert.throws(() => mongoTarget(url), refused, url)
  }
})
