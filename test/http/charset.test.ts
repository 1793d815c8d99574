import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeText, sniffCharset } from '../../src/http/charset.ts'
import { sharedData, skipWithout } from '../shared-data.ts'

const ascii = (text: string) => Buffer.from(text, 'latin1')

test('the charset is that of the mark, else the header, else the page, else windows-1252', () => {
  const page = ascii('<meta charset=gbk>')
  assert.equal(sniffCharset(page), 'GBK')
  assert.equal(sniffCharset(page, 'Latin1'), 'windows-1252')
  assert.equal(sniffCharset(page, 'utf8'), 'UTF-8')
  assert.equal(sniffCharset(page, 'no-such'), 'GBK')
  assert.equal(sniffCharset(ascii('\xef\xbb\xbf<meta charset=gbk>'), 'latin1'), 'UTF-8')
  assert.equal(sniffCharset(ascii('\xff\xfex\0'), 'latin1'), 'UTF-16LE')
  assert.equal(sniffCharset(ascii('\xfe\xff\0x'), 'latin1'), 'UTF-16BE')
  assert.equal(sniffCharset(ascii('\xff\xe4'), 'koi8-r'), 'KOI8-R')
  assert.equal(sniffCharset(ascii('hello')), 'windows-1252')
  assert.equal(sniffCharset(new Uint8Array()), 'windows-1252')
})

test('a declaration counts for the pages that begin with the same bytes, and for no others', () => {
  const head = '<!doctype html><head><meta name=charset content=x>'
  for (const [markup, expected] of [
    [`${head}<meta charset=gbk><p>`, 'GBK'],
    [`${head}<meta charset=gbk><p>again`, 'GBK'],
    [`${head}<meta charset=koi8-r>`, 'KOI8-R'],
    [head, 'windows-1252'],
    ['<!-- charset=gbk> --><meta charset=koi8-r>', 'KOI8-R'],
    ['<!-- charset=gbk> <meta charset=koi8-r>', 'windows-1252'],
    ['\xef\xbb\xbf<meta charset=gbk>', 'UTF-8'],
    ['<meta charset=gbk>', 'GBK'],
  ] as const) {
    assert.equal(sniffCharset(ascii(markup)), expected, markup)
    assert.equal(sniffCharset(ascii(markup)), expected, `${markup}, known`)
  }
  const part = fc.constantFrom('<', '>', '<meta ', 'charset', '=', 'gbk', '"', ' ', '<!--', '-->', '/', 'koi8-r', ';')
  fc.assert(
    fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
      const bytes = ascii(parts.join(''))
      assert.equal(sniffCharset(bytes), sniffCharset(bytes, 'no-such'))
    }),
    { numRuns: 2000 },
  )
})

test('XML is UTF-8 unless it says otherwise', () => {
  assert.equal(sniffCharset(ascii('<feed/>'), undefined, 'xml'), 'UTF-8')
  assert.equal(sniffCharset(ascii('<?xml version="1.0" encoding="iso-8859-2"?><a/>'), undefined, 'xml'), 'ISO-8859-2')
  assert.equal(sniffCharset(ascii('<?xml version="1.0" encoding="iso-8859-2"?><a/>'), 'utf-8', 'xml'), 'UTF-8')
})

test('bytes become text in their encoding and without their mark', () => {
  assert.equal(decodeText(ascii('\x80\x92\xe9\x81'), 'windows-1252'), '€’é\x81')
  assert.equal(decodeText(ascii('\x80\x92\xe9'), 'iso-8859-1'), '€’é')
  assert.equal(decodeText(Buffer.from('\ufeffé日'), 'UTF-8'), 'é日')
  assert.equal(decodeText(ascii('a\xffb'), 'utf-8'), 'a\ufffdb')
  assert.equal(decodeText(ascii('\xc4\xe3\xba\xc3'), 'GBK'), '你好')
  assert.equal(decodeText(ascii('\x93\xfa\x96\x7b'), 'Shift_JIS'), '日本')
  assert.equal(decodeText(ascii('\xfe\xff\0a'), 'UTF-16BE'), 'a')
  assert.equal(decodeText(ascii('\xf0\xf2'), 'KOI8-R'), 'ПР')
})

test('no label makes decoding throw', () => {
  for (const label of [
    'replacement',
    'hz-gb-2312',
    'x-user-defined',
    'iso-8859-16',
    'no-such',
    '',
    '\0',
    'x'.repeat(10_000),
  ]) {
    assert.equal(typeof decodeText(ascii('a\xe9'), label), 'string', label)
  }
  fc.assert(
    fc.property(fc.uint8Array(), fc.string(), (bytes, label) => {
      decodeText(bytes, sniffCharset(bytes, label))
    }),
  )
})

test('every label of the web keeps its decoder when many have been seen', () => {
  for (let i = 0; i < 1000; i++) assert.equal(sniffCharset(ascii('x'), `unknown-${i}`), 'windows-1252')
  assert.equal(sniffCharset(ascii('x'), 'utf-8'), 'UTF-8')
})

test('a header decides the same with and without the short way', () => {
  const label = fc.constantFrom('utf-8', 'GBK', ' latin1 ', 'nonsense', 'utf-16', 'x-user-defined', 'csISO2022JP')
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 8 }), label, (bytes, header) => {
      const plain = bytes.length > 0 && bytes[0]! < 0x80 ? bytes : new Uint8Array([0x61, ...bytes])
      assert.equal(sniffCharset(plain, header), sniffCharset(plain, `${header}\t`))
    }),
  )
})

test('the cases of html-encoding-sniffer have their encodings', {
  skip: skipWithout('conformance/charset-sniffer/cases.json'),
}, () => {
  const path = sharedData('conformance/charset-sniffer/cases.json')!
  const cases = JSON.parse(readFileSync(path, 'utf8')) as {
    group: string
    file: string
    expect: string
    body_b64: string
  }[]
  assert.equal(cases.length, 16)
  for (const { group, file, expect, body_b64: body } of cases) {
    // A page that says UTF-16 in ASCII letters is not: the standard reads it as UTF-8.
    assert.equal(sniffCharset(Buffer.from(body, 'base64')), group === 'utf' ? 'UTF-8' : expect, file)
  }
})

test('the encoding cases of html5lib are found', {
  skip: skipWithout('conformance/html5lib/encoding_sniff.json'),
}, () => {
  const path = sharedData('conformance/html5lib/encoding_sniff.json')!
  const cases = JSON.parse(readFileSync(path, 'utf8')) as { file: string; body_b64: string; encoding: string }[]
  for (const [i, { file, body_b64: body, encoding }] of cases.entries()) {
    assert.equal(sniffCharset(Buffer.from(body, 'base64')).toLowerCase(), encoding.toLowerCase(), `${file} ${i}`)
  }
})
