import assert from 'node:assert/strict'
import { posix, win32 } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  clashKey,
  columnsOfTemplate,
  type FileFacts,
  fileNameOf,
  parseFileTemplate,
  safePath,
  withDigest,
} from '../../src/sink/file-name.ts'

const DIGEST = '0123456789abcdef0123456789abcdef'

function nameOf(template: string, facts: Partial<FileFacts> = {}): string {
  const base = { url: 'https://a.example:8080/x/y%20z/doc.v2.pdf?q=1', digest: DIGEST, extension: 'html', n: 7 }
  return fileNameOf(parseFileTemplate(template), { ...base, input: { line: 3, reg: '0012/7' }, ...facts })
}

/** Hostile texts: separators, dots, devices, long and composed letters, anything. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc
    .array(
      fc.constantFrom(
        '..',
        '.',
        '/',
        '\\',
        'CON',
        'nul.txt',
        ' ',
        'e\u0301',
        '\u0344',
        '\ud800',
        'C:',
        '%2e%2e',
        '\0',
        'ﬀ',
        '😀',
        'a',
      ),
      { maxLength: 12 },
    )
    .map((parts) => parts.join('')),
  fc.constantFrom('ä'.repeat(400), 'x/'.repeat(900), `${'y'.repeat(300)}.pdf`, '\u0958'.repeat(150)),
)

function assertSafe(path: string): void {
  assert.ok(Buffer.byteLength(path) <= 900, path)
  assert.equal(path.normalize('NFC'), path)
  assert.ok(path.isWellFormed())
  for (const { resolve, sep, base } of [
    { ...posix, base: '/out/files' },
    { ...win32, base: 'C:\\out\\files' },
  ]) {
    assert.ok(resolve(base, path).startsWith(base + sep), path)
  }
  for (const part of path.split('/')) {
    assert.ok(part !== '' && Buffer.byteLength(part) <= 200, part)
    // oxlint-disable-next-line no-control-regex -- what Windows refuses
    assert.doesNotMatch(part, /[\u0000-\u001f<>:"|?*\\]|[. ]$/)
    assert.doesNotMatch(part, /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i)
  }
}

test('a template gives the host, the parts of the path, the ending, the digest, the number and input columns', () => {
  assert.equal(nameOf('{host}/{path}{ext}'), 'a.example_8080/x/y z/doc.v2.pdf')
  assert.equal(nameOf('{dir}/{name}-{n}{ext}'), 'x/y z/doc.v2-7.pdf')
  assert.equal(nameOf('{line}-{reg}{ext}'), '3-0012_7.pdf')
  assert.equal(nameOf('{digest}'), DIGEST)
  assert.equal(nameOf('{{{n}}}'), '{7}')
  assert.equal(nameOf('{host}/{path}{ext}', { url: 'https://a.example/' }), 'a.example/index.html')
  assert.equal(nameOf('{path}{ext}', { url: 'https://a.example/x/' }), 'x/index.html')
  assert.equal(nameOf('{missing}'), DIGEST.slice(0, 12))
  assert.deepEqual(columnsOfTemplate(parseFileTemplate('{host}/{reg}/{line}-{reg}')), ['reg', 'line'])
})

test('names that a URL or a column would use to leave the folder, or that Windows keeps for itself, are made safe', () => {
  assert.equal(
    nameOf('{path}{ext}', { url: 'https://a.example/%2e%2e%2f%2e%2e%2fetc%2fpasswd' }),
    '.._.._etc_passwd.html',
  )
  assert.equal(nameOf('files/{reg}', { input: { reg: '../../x' } }), 'files/.._.._x')
  assert.equal(nameOf('files/{reg}', { input: { reg: '..' } }), 'files/0123456789ab')
  assert.equal(nameOf('/{reg}', { input: { reg: 'con.txt' } }), '_con.txt')
  assert.equal(nameOf('../{reg}', { input: { reg: 'C:\\x' } }), 'C__x')
  assert.equal(nameOf('{reg}', { input: { reg: 'a. . ' } }), 'a')
})

test('a template without a variable or with a lone brace is refused', () => {
  for (const broken of ['files/x', '{', '{n', '{}', 'a}b', '{n}}']) {
    assert.throws(() => parseFileTemplate(broken), { code: 'OPTION_INVALID', hint: /variables: \{host\}/ })
  }
})

test('no template and no page leave the folder or give a name that a system refuses', () => {
  fc.assert(
    fc.property(text, text, text, fc.nat(), (literal, path, reg, n) => {
      const template = `${literal.replaceAll(/[{}]/g, '')}{host}/{path}{reg}{ext}{name}`
      const facts = { url: `https://a.example/${path}`, digest: DIGEST, extension: 'bin', n, input: { reg } }
      const name = fileNameOf(parseFileTemplate(template), facts)
      assertSafe(name)
      assert.equal(fileNameOf(parseFileTemplate(template), facts), name)
    }),
    { numRuns: 1000 },
  )
})

test('a safe path stays as it is, and so does one with a digest', () => {
  fc.assert(
    fc.property(text, (path) => {
      const safe = safePath(path, DIGEST)
      assertSafe(safe)
      assert.equal(safePath(safe, DIGEST), safe)
      const told = withDigest(safe, DIGEST)
      assertSafe(told)
      assert.equal(withDigest(told, DIGEST), told)
      assert.notEqual(withDigest(safe, 'f'.repeat(32)), told)
    }),
    { numRuns: 1000 },
  )
})

test('names that differ in letter case or composition clash, and a digest in front of the ending tells them apart', () => {
  assert.equal(clashKey('A/É.pdf'), clashKey('a/e\u0301.PDF'))
  assert.equal(clashKey('STRASSE'), clashKey('straße'))
  assert.notEqual(clashKey('a.pdf'), clashKey('b.pdf'))
  assert.equal(withDigest('a/b.tar.gz', DIGEST), 'a/b.tar-0123456789ab.gz')
  assert.equal(withDigest('.env', DIGEST), '.env-0123456789ab')
})
