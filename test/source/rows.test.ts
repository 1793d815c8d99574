import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { SluiceError } from '../../src/model/errors.ts'
import { filledSource } from '../../src/source/filled.ts'
import type { Filling } from '../../src/source/filled.ts'
import { openListSource } from '../../src/source/list.ts'
import type { SourceBatch, SourceItem } from '../../src/source/source.ts'
import { compileTemplate } from '../../src/source/template.ts'
import { xlsxOf } from './zip.ts'

async function withFile(name: string, bytes: string | Buffer, work: (path: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-rows-'))
  try {
    const path = join(folder, name)
    writeFileSync(path, bytes)
    await work(path)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const URL_ONLY: Filling = {
  url: compileTemplate('https://h.test/{telefone}?m={nome}', 'url'),
  method: undefined,
  headers: new Map(),
  body: undefined,
  params: new Map(),
}

async function batchesOf(path: string, filling = URL_ONLY, cursor?: Uint8Array): Promise<SourceBatch[]> {
  const batches: SourceBatch[] = []
  const source = filledSource(openListSource(path, { rows: true }), filling)
  for await (const batch of source.batches(cursor, new AbortController().signal)) batches.push(batch)
  return batches
}

async function itemsOf(path: string, filling = URL_ONLY): Promise<SourceItem[]> {
  return (await batchesOf(path, filling)).flatMap(({ items }) => items)
}

const HEADER = 'nome;telefone;cpf\n'

test('rows of every format and charset fill the same requests', async () => {
  const table = [
    ['nome', 'telefone', 'cpf'],
    ['José', '011987', '00123'],
    ['Ana "B"', '022', '7'],
  ]
  const quoted = (rows: string[][], delimiter: string): string =>
    rows.map((row) => row.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(delimiter)).join('\r\n')
  const objects = table.slice(1).map((row) => Object.fromEntries(row.map((cell, i) => [table[0]![i]!, cell])))
  for (const [name, bytes] of [
    ['utf8.csv', quoted(table, ',')],
    ['latin1.csv', Buffer.from(quoted(table, ';'), 'latin1')],
    ['tabs.tsv', quoted(table, '\t')],
    ['mark.csv', `\ufeff${quoted(table, ';')}`],
    ['utf16.csv', Buffer.from(`\ufeff${quoted(table, ';')}`, 'utf16le')],
    ['rows.ndjson', objects.map((row) => JSON.stringify(row)).join('\n')],
    ['people.xlsx', xlsxOf(table)],
  ] as const) {
    await withFile(name, bytes, async (path) => {
      const items = await itemsOf(path)
      assert.deepEqual(
        items.map(({ url, ordinal, columns }) => [url, ordinal, { ...columns }]),
        [
          ['https://h.test/011987?m=Jos%C3%A9', 0, objects[0]],
          ['https://h.test/022?m=Ana%20%22B%22', 1, objects[1]],
        ],
        name,
      )
      assert.deepEqual(await openListSource(path, { rows: true }).columns?.(), table[0], name)
    })
  }
})

test('numbers and dates of a spreadsheet become texts, and rows keep their place in the sheet', async () => {
  await withFile(
    'people.xlsx',
    xlsxOf([
      ['telefone', 'nome'],
      [5511987654321, 'a'],
      ['007', 1.5],
    ]),
    async (path) => {
      const items = await itemsOf(path)
      assert.deepEqual(
        items.map(({ url, line }) => [url, line]),
        [
          ['https://h.test/5511987654321?m=a', 2],
          ['https://h.test/007?m=1.5', 3],
        ],
      )
    },
  )
  await withFile('broken.xlsx', Buffer.concat([xlsxOf([['a']]).subarray(0, 100)]), async (path) => {
    await assert.rejects(itemsOf(path), (error) => (error as SluiceError).code === 'INPUT_UNREADABLE')
    const list = openListSource(path).batches(undefined, new AbortController().signal)[Symbol.asyncIterator]()
    await assert.rejects(list.next(), /spreadsheet/)
  })
})

test('a row without a value is told of and keeps its columns', async () => {
  await withFile('people.csv', `${HEADER}Ana;;1\nBia;2\n;;\n`, async (path) => {
    const items = await itemsOf(path)
    assert.deepEqual(
      items.map(({ url, row, columns }) => [url, row?.problem, columns?.['cpf']]),
      [
        ['https://h.test/{telefone}?m=Ana', 'no value for {telefone}', '1'],
        ['https://h.test/2?m=Bia', undefined, ''],
        ['https://h.test/{telefone}?m={nome}', 'no value for {telefone}, no value for {nome}', ''],
      ],
    )
  })
  await withFile('people.ndjson', '{"nome":"a","telefone":"1"}\nno json\n', async (path) => {
    assert.match((await itemsOf(path))[1]?.row?.problem ?? '', /^the line is no row/)
  })
})

test('a column that is named twice or not at all has a name of its own', async () => {
  await withFile('people.csv', 'url;nome;nome;\nx;a;b;c\n', async (path) => {
    const url = compileTemplate('https://h.test/{url}/{nome}/{nome_2}/{column4}', 'url')
    assert.equal((await itemsOf(path, { ...URL_ONLY, url }))[0]?.url, 'https://h.test/x/a/b/c')
  })
})

test('a quoted line break is a part of its cell', async () => {
  await withFile('people.csv', `${HEADER}"An\na";1;2\nBia;2;3\n`, async (path) => {
    assert.deepEqual(
      (await itemsOf(path)).map(({ url, line }) => [url, line]),
      [
        ['https://h.test/1?m=An%0Aa', 2],
        ['https://h.test/2?m=Bia', 4],
      ],
    )
  })
})

test('a template that names no column says which one was meant', async () => {
  await withFile('people.csv', HEADER, async (path) => {
    const source = filledSource(openListSource(path, { rows: true }), {
      ...URL_ONLY,
      url: compileTemplate('https://h.test/{telefon}', 'url'),
    })
    await assert.rejects(
      async () => source.columns?.(),
      (error) => {
        assert.equal((error as SluiceError).code, 'OPTION_INVALID')
        assert.equal((error as SluiceError).hint, 'did you mean {telefone}?')
        return true
      },
    )
  })
})

test('a row is the same again by the values that it fills in, wherever it stands and whatever else it holds', async () => {
  const filling: Filling = { ...URL_ONLY, params: new Map([['nome', 'all']]) }
  const identities = async (text: string): Promise<(string | undefined)[]> => {
    const found: (string | undefined)[] = []
    await withFile('people.csv', text, async (path) => {
      for (const { row } of await itemsOf(path, filling)) found.push(row?.identity)
    })
    return found
  }
  const [first, second] = await identities(`${HEADER}Ana;1;x\nBia;2;y\n`)
  assert.notEqual(first, second)
  assert.deepEqual(await identities('telefone;extra\n0;new\n1;a\n2;b\n'), ['["0"]', first, second])
})

test('rows go on where they stopped, and are read again where the file has changed', async () => {
  for (const name of ['people.csv', 'people.xlsx']) {
    const rows = [
      ['nome', 'telefone'],
      ['a', '1'],
      ['b', '2'],
    ]
    const bytesOf = (table: string[][]): string | Buffer =>
      name.endsWith('xlsx') ? xlsxOf(table) : table.map((row) => `${row.join(';')}\n`).join('')
    await withFile(name, bytesOf(rows), async (path) => {
      const { cursor } = (await batchesOf(path)).at(-1) as SourceBatch
      assert.deepEqual(await batchesOf(path, URL_ONLY, cursor), [])
      writeFileSync(path, bytesOf([...rows, ['c', '3']]))
      const more = await batchesOf(path, URL_ONLY, cursor)
      assert.deepEqual(
        more.flatMap(({ items, reread }) => items.map(({ ordinal, columns }) => [reread, ordinal, columns?.['nome']])),
        [[undefined, 2, 'c']],
      )
      writeFileSync(path, bytesOf([...rows.slice(0, 1), ['new', '0'], ...rows.slice(1)]))
      const again = await batchesOf(path, URL_ONLY, cursor)
      assert.deepEqual(
        again.flatMap(({ items, reread }) => items.map(({ ordinal, columns }) => [reread, ordinal, columns?.['nome']])),
        [
          [true, 0, 'new'],
          [true, 1, 'a'],
          [true, 2, 'b'],
        ],
        name,
      )
    })
  }
})

test('bytes that are no UTF-8 are windows-1252, of which latin1 is a part', async () => {
  await withFile('people.csv', Buffer.from('nome;telefone\nPre\u00e7o \x80;1\n', 'latin1'), async (path) => {
    assert.equal((await itemsOf(path))[0]?.columns?.['nome'], 'Preço €')
  })
  // The first 64 KiB end within a character.
  const long = `nome;telefone\n${'é;1\n'.repeat(20_000)}`
  await withFile('long.csv', `é${long}`, async (path) => {
    assert.deepEqual(await openListSource(path, { rows: true }).columns?.(), ['énome', 'telefone'])
  })
})

test('a pipe is not read for the names of its columns', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-rows-'))
  try {
    const pipe = join(folder, 'people.csv')
    execFileSync('mkfifo', [pipe])
    assert.equal(await openListSource(pipe, { rows: true }).columns?.(), undefined)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
