import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseRobots } from '../../src/robots/parse.ts'

const bytes = (...parts: (string | number[])[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))))

test('groups, rules, delays and sitemaps are read with their lines', () => {
  const file = parseRobots(
    [
      '# hello',
      'User-agent: a # first',
      'user-agent: B',
      'Disallow: /x # not y',
      '  ALLOW :/x/é  ',
      'Sitemap: https://a.org/s.xml',
      'Crawl-delay: 0.5',
      'User-agent: *',
      'Disallow:',
      'Sitemap: https://a.org/s.xml',
    ].join('\n'),
  )
  assert.deepEqual(file, {
    groups: [
      {
        agents: [
          { name: 'a', line: 2, crawlDelayMs: 500 },
          { name: 'B', line: 3, crawlDelayMs: 500 },
        ],
        rules: [
          { allow: false, pattern: '/x', text: 'Disallow: /x', line: 4 },
          { allow: true, pattern: '/x/%C3%A9', text: 'ALLOW :/x/é', line: 5 },
        ],
      },
      { agents: [{ name: '*', line: 8 }], rules: [] },
    ],
    sitemaps: [{ url: 'https://a.org/s.xml', line: 6 }],
    truncated: false,
  })
})

test('line ends of all systems are equal and counted once', () => {
  const lines = ['User-agent: *', '', 'Disallow: /a', 'Allow: /b']
  const expected = parseRobots(lines.join('\n'))
  for (const end of ['\r', '\r\n']) assert.deepEqual(parseRobots(lines.join(end)), expected)
  assert.equal(expected.groups[0]!.rules[1]!.line, 4)
})

test('byte order marks, torn ones too, and UTF-16 are understood', () => {
  const text = 'User-agent: *\nDisallow: /é\n'
  const expected = parseRobots(text)
  for (const mark of [[], [0xef], [0xef, 0xbb], [0xef, 0xbb, 0xbf]]) {
    assert.deepEqual(parseRobots(bytes(mark, text)), expected)
  }
  const utf16 = Buffer.from(`\ufeff${text}`, 'utf16le')
  assert.deepEqual(parseRobots(utf16), expected)
  assert.deepEqual(parseRobots(Buffer.from(utf16).swap16()), expected)
  assert.deepEqual(parseRobots(`\ufeff${text}`), expected)
})

test('bytes of any encoding are escaped as they are', () => {
  const file = parseRobots(bytes('User-agent: *\nDisallow: /caf', [0xe9], '/ "%e9\n'))
  assert.equal(file.groups[0]!.rules[0]!.pattern, '/caf%E9/%20%22%E9')
})

test('misspelt keys count, unknown lines do not end a group', () => {
  for (const key of ['disallow', 'Dissallow', 'dissalow', 'disalow', 'diasllow', 'disallaw']) {
    const file = parseRobots(`useragent: a\nfoo: bar\nHost: x\n<html>\nuser agent: b\n${key}: /x`)
    assert.equal(file.groups.length, 1)
    assert.deepEqual(
      file.groups[0]!.agents.map((agent) => agent.name),
      ['a', 'b'],
    )
    assert.equal(file.groups[0]!.rules.length, 1, key)
  }
  assert.equal(parseRobots('user-agent a\ndisallow /x').groups[0]!.rules.length, 1)
  assert.equal(parseRobots('user-agent: a\ndisallow /x y').groups[0]!.rules.length, 0)
  assert.equal(parseRobots('disallow: /x\nallow: /').groups.length, 0)
})

test('a delay holds for the agents named before it and does not end their group', () => {
  const file = parseRobots('User-agent: slow\nCrawl-delay: 10\nUser-agent: quick\nDisallow: /x\n')
  assert.deepEqual(file.groups[0]!.agents, [
    { name: 'slow', line: 1, crawlDelayMs: 10_000 },
    { name: 'quick', line: 3 },
  ])
})

test('a delay that is no number is ignored', () => {
  for (const value of ['NaN', '-1', 'x', '', 'Infinity', '9'.repeat(400)]) {
    const file = parseRobots(`User-agent: *\nCrawl-delay: ${value}`)
    assert.equal(file.groups[0]!.agents[0]!.crawlDelayMs, undefined, value)
  }
  assert.equal(parseRobots('User-agent: *\nCrawl-delay: 1.2345s').groups[0]!.agents[0]!.crawlDelayMs, 1235)
})

test('a file over the limit is read up to its last whole line', () => {
  const text = 'User-agent: *\nDisallow: /ab\nDisallow: /cd\n'
  const cut = text.indexOf('b\n')
  for (const input of [text, bytes(text)]) {
    const file = parseRobots(input, cut)
    assert.equal(file.truncated, true)
    assert.deepEqual(file.groups[0]!.rules, [])
    const whole = parseRobots(input, text.length)
    assert.equal(whole.truncated, false)
    assert.equal(whole.groups[0]!.rules.length, 2)
  }
  assert.equal(parseRobots('x'.repeat(600_000)).truncated, true)
  assert.equal(parseRobots('é'.repeat(300_000)).truncated, true)
})

test('no bytes make the parser throw', () => {
  const soup = fc.array(
    fc.constantFrom(
      'user-agent',
      ':',
      ' ',
      '*',
      '/',
      '\n',
      '\r',
      '\0',
      '#',
      '%',
      'disallow',
      'crawl-delay',
      '\ufeff',
      'é',
    ),
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        soup.map((parts) => parts.join('')),
      ),
      (input) => {
        parseRobots(input)
      },
    ),
  )
})

test('twenty thousand rules are all kept', () => {
  const text = `User-agent: *\n${Array.from({ length: 20_000 }, (_, i) => `Disallow: /d${i}/`).join('\n')}`
  const file = parseRobots(text, 1_000_000)
  assert.equal(file.groups[0]!.rules.length, 20_000)
  assert.equal(file.groups[0]!.rules[19_999]!.line, 20_001)
})
