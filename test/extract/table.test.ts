/** Tables as rows of named texts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pageOf } from './setup.ts'

function rowsOf(html: string, selector?: string): Record<string, string>[] {
  const { page } = pageOf(html)
  return selector === undefined ? page.table() : page.table(selector)
}

test('a table with a head gives a row each, under the names of its columns', () => {
  const html = `<div id=x><table><caption>c</caption><thead><tr><th>Name<th>Price</thead>
    <tbody><tr><td>A <b>b</b><td>1<tr><td>C</tbody><tfoot><tr><td>all<td>3</tfoot></table></div>`
  const rows = [
    { Name: 'A b', Price: '1' },
    { Name: 'C', Price: '' },
    { Name: 'all', Price: '3' },
  ]
  assert.deepEqual(rowsOf(html), rows)
  assert.deepEqual(rowsOf(html, '#x'), rows)
  assert.deepEqual(rowsOf(html, '#none'), [])
  assert.deepEqual(rowsOf('<p>none</p>'), [])
})

test('the foot comes last wherever it is written, and rows of th at the top are a header', () => {
  assert.deepEqual(rowsOf('<table><tfoot><tr><td>f<td>g</tfoot><tr><th>A<th>B<tr><td>1<td>2<tr><th>x<td>3</table>'), [
    { A: '1', B: '2' },
    { A: 'x', B: '3' },
    { A: 'f', B: 'g' },
  ])
})

test('cells that span are in every slot that they cover', () => {
  const html = `<table><tr><th>a<th>b<th>c
    <tr><td rowspan=2>1<td colspan=2>2
    <tr><td>3<td rowspan=0>4
    <tr><td>5<td>6
    <tr><td colspan=0>7<td rowspan=99>8</table>`
  assert.deepEqual(rowsOf(html), [
    { a: '1', b: '2', c: '2' },
    { a: '1', b: '3', c: '4' },
    { a: '5', b: '6', c: '4' },
    { a: '7', b: '8', c: '4' },
  ])
})

test('headers above each other are joined, a caption over all columns is left out', () => {
  const html = `<table><thead><tr><th colspan=3>Report<tr><th rowspan=2>Name<th colspan=2>Sales<tr><th>2019<th>2020</thead>
    <tr><td>A<td>1<td>2</table>`
  assert.deepEqual(rowsOf(html), [{ Name: 'A', 'Sales 2019': '1', 'Sales 2020': '2' }])
})

test('a first column of headers makes each further column a row', () => {
  assert.deepEqual(rowsOf('<table><tr><th>Born<td>1815<td>1912<tr><th>Name<td>Ada<td>Alan</table>'), [
    { Born: '1815', Name: 'Ada' },
    { Born: '1912', Name: 'Alan' },
  ])
})

test('columns without a name, and names that are taken, get names of their own', () => {
  assert.deepEqual(rowsOf('<table><tr><td>1<td>2</table>'), [{ column1: '1', column2: '2' }])
  assert.deepEqual(rowsOf('<table><tr><th>a<th><th>a<tr><td>1<td>2<td>3</table>'), [{ a: '1', column2: '2', a_2: '3' }])
  // A header and nothing else: no rows, unless there is nothing to be a header of.
  assert.deepEqual(rowsOf('<table><thead><tr><th>a</thead></table>'), [])
})

test('tables in cells are text of the cell, and not rows', () => {
  const html = '<table><tr><th>a<tr><td>x<table><tr><td>in<tr><td>ner</table></table>'
  assert.deepEqual(rowsOf(html), [{ a: 'x in ner' }])
})

test('spans made to cost memory do not', () => {
  const before = process.memoryUsage().heapUsed
  const cell = '<td colspan=1000 rowspan=65534>x'
  rowsOf(`<table>${`<tr>${cell.repeat(20)}`.repeat(2000)}</table>`)
  assert.ok(process.memoryUsage().heapUsed - before < 300_000_000)
})
