import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { csvSink } from '../../src/sink/csv.ts'
import { csvRow, firstRow } from '../../src/sink/csv-text.ts'
import { records } from '../../src/testing/sink-suite.ts'
import { sharedData, skipWithout } from '../shared-data.ts'
import { temporaryFolder } from './storages.ts'

const JOB = { name: 'job', id: 'job', run: 1, committedSeq: 0, columns: ['note', 'line', 'Ünï, "q"'] }

interface SpectrumCase {
  readonly name: string
  readonly json: readonly Readonly<Record<string, string>>[]
}

test('csv-spectrum: every table written as CSV reads back equal', {
  skip: skipWithout('conformance/csv-spectrum'),
}, () => {
  const path = join(sharedData('conformance/csv-spectrum') ?? '', 'cases.json')
  const cases = JSON.parse(readFileSync(path, 'utf8')) as SpectrumCase[]
  assert.equal(cases.length, 11)
  for (const { name, json } of cases) {
    const header = Object.keys(json[0] ?? {})
    const text = [header, ...json.map((row) => header.map((column) => row[column] ?? ''))].map(csvRow).join('')
    assert.deepEqual(parse(text, { columns: true }), json, name)
  }
})

test('any row of texts reads back equal by csv-parse and by the reader of first rows', () => {
  const cell = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('', '"', '\r', '\n', ',', '"",', '\r\n', ' x '))
  fc.assert(
    fc.property(fc.array(cell, { minLength: 1, maxLength: 6 }), (cells) => {
      const text = csvRow(cells)
      assert.deepEqual(parse(text), [cells])
      assert.deepEqual(firstRow(`${text}next,row`), cells)
      assert.equal(firstRow(text.slice(0, -2)), undefined)
    }),
  )
})

async function written(path: string, options = {}, job = JOB): Promise<void> {
  const sink = csvSink({ path, ...options })
  await sink.open(job, undefined)
  await sink.write(records(1, 1))
  await sink.close()
}

test('the header is written once, and a second job with the same columns continues the file', async () => {
  const folder = temporaryFolder()
  const path = join(folder.path, 'x.csv')
  await written(path)
  await written(path)
  const rows = parse(readFileSync(path), { columns: true }) as Record<string, string>[]
  assert.equal(rows.length, 2)
  const names = Object.keys(rows[0] ?? {})
  assert.deepEqual(names.slice(0, 3), ['url', 'final', 'outcome'])
  assert.deepEqual(names.slice(-4), ['input.line', 'input.note', 'input.Ünï, "q"', 'input'])
  await folder.remove()
})

test('a file with other columns is refused and left as it is', async () => {
  const folder = temporaryFolder()
  const path = join(folder.path, 'x.csv')
  for (const theirs of ['a,b\n1,2\n', 'url', '\n']) {
    writeFileSync(path, theirs)
    await assert.rejects(written(path), { code: 'OPTION_INVALID', hint: /another name/ })
    assert.equal(readFileSync(path, 'utf8'), theirs)
  }
  await folder.remove()
})

test('the columns of a file stay when the job later knows others, which go into the input column', async () => {
  const folder = temporaryFolder()
  const path = join(folder.path, 'x.csv')
  const first = csvSink({ path })
  await first.open({ ...JOB, columns: ['old'] }, undefined)
  const position = await first.write(records(1, 1))
  await first.close()
  const second = csvSink({ path })
  await second.open({ ...JOB, committedSeq: 1, columns: ['note', 'old'] }, position)
  await second.write(records(2, 1))
  await second.close()
  const rows = parse(readFileSync(path), { columns: true }) as Record<string, string>[]
  assert.deepEqual(
    rows.map((row) => [row['input.line'], row['input.old'], row['input']]),
    [
      ['1', '', '{"note":"n"}'],
      ['2', '', '{"note":"n"}'],
    ],
  )
  await folder.remove()
})

test('formulas are written as they are, or after an apostrophe when that is asked for', async () => {
  const folder = temporaryFolder()
  for (const [escapeFormulas, expected] of [
    [false, '=1+1 1'],
    [true, "'=1+1 1"],
  ] as const) {
    const path = join(folder.path, `${escapeFormulas}.csv`)
    const sink = csvSink({ path, escapeFormulas })
    await sink.open(JOB, undefined)
    await sink.write(records(1, 1, '=1+1'))
    await sink.close()
    const [row] = parse(readFileSync(path), { columns: true }) as Record<string, string>[]
    assert.equal(row?.['title'], expected)
  }
  await folder.remove()
})

test('rows that the user added behind the last commit of a CSV file are not cut', async () => {
  const folder = temporaryFolder()
  const path = join(folder.path, 'x.csv')
  const sink = csvSink({ path })
  await sink.open(JOB, undefined)
  const position = await sink.write(records(1, 2))
  await sink.close()
  const ours = readFileSync(path, 'utf8')
  const copy = ours.split('\r\n')[2] ?? ''
  for (const added of ['a,b\n', '"a\nb"\n', `${copy}\r\n`]) {
    writeFileSync(path, ours + added)
    await assert.rejects(csvSink({ path }).open({ ...JOB, committedSeq: 2 }, position), { code: 'SINK_CHANGED' })
    assert.equal(readFileSync(path, 'utf8'), ours + added)
  }
  await folder.remove()
})

test('a record without an input has as many cells as the header', async () => {
  const folder = temporaryFolder()
  const path = join(folder.path, 'crawl.csv')
  const sink = csvSink({ path })
  await sink.open({ name: 'a', id: 'a', run: 1, committedSeq: 0, columns: ['reg'] }, undefined)
  const [first] = records(1, 1)
  assert.ok(first)
  const { input: _input, ...record } = first.record
  await sink.write([{ ...first, record, json: JSON.stringify(record) }])
  await sink.close()
  const [header, row] = parse(readFileSync(path), { relax_column_count: true }) as string[][]
  assert.equal(row?.length, header?.length)
})
