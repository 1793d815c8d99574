/** What a body is by its first bytes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sniffType } from '../../src/http/sniff.ts'

function typeOf(text: string): string {
  return sniffType(Buffer.from(text, 'latin1'))
}

test('bodies without a type are named by the patterns of the MIME Sniffing standard', () => {
  const types: Readonly<Record<string, string>> = {
    '': '',
    '<!doctype html><p>': 'text/html',
    '\r\n \t<HtMl >': 'text/html',
    '<!-- a comment': 'text/html',
    '<a href=x>': 'text/html',
    '<article>': 'text/plain',
    '<?xml version="1.0"?><html>': 'text/xml',
    '%PDF-1.7': 'application/pdf',
    '\x89PNG\r\n\x1a\n\0\0': 'image/png',
    GIF89a: 'image/gif',
    'RIFF\x01\x02\x03\x04WEBPVP8 ': 'image/webp',
    '\0\0\0\x18ftypmp42': 'video/mp4',
    '\x1f\x8b\x08\0': 'application/x-gzip',
    'PK\x03\x04': 'application/zip',
    '\xef\xbb\xbfhello': 'text/plain',
    'just text, \xe4 too': 'text/plain',
    'text with \0 in it': 'application/octet-stream',
  }
  for (const [text, type] of Object.entries(types)) assert.equal(typeOf(text), type, JSON.stringify(text))
})

test('only the first bytes of a body decide what it is', () => {
  assert.equal(typeOf(`${'a'.repeat(1445)}\0`), 'text/plain')
  assert.equal(typeOf(`${'a'.repeat(1444)}\0`), 'application/octet-stream')
})
