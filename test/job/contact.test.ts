import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkContact, isPrivateHost, privateTest } from '../../src/job/contact.ts'

test('a contact must be a reachable page or mail address', () => {
  for (const good of [undefined, 'https://lab.example/bot', 'me@lab.org', 'http://10.0.0.1/me']) checkContact(good)
  for (const bad of [
    '',
    'me',
    'votrenom@example.com',
    'https://example.com/bot',
    'https://your.site/bot',
    'you@example.org',
  ]) {
    assert.throws(() => checkContact(bad), { code: 'OPTION_INVALID' }, bad)
  }
})

test('a contact that was copied from an example is called a placeholder, a real one that resembles it is not', () => {
  for (const bad of [
    'you@lab.org',
    'your.name@lab.org',
    'me@example.com',
    'https://www.example.org/bot',
    'mailto:you@a.org',
  ])
    assert.throws(() => checkContact(bad), { code: 'OPTION_INVALID', message: /looks like a placeholder/ }, bad)
  for (const bad of ['me', 'me@lab', 'https://'])
    assert.throws(() => checkContact(bad), { code: 'OPTION_INVALID', message: /not a URL or mail address/ }, bad)
  for (const good of [
    'youssef@lab.org',
    'you.li@lab.org',
    'me@my-example.com',
    'https://lab.org/example.com/bot',
    'https://lab.org/you@bot',
    'https://github.com/changeme/bot',
    'crawler+contact@uni.edu',
    'mailto:bot@lab.org',
  ])
    checkContact(good)
})

test('loopback and private ranges are home, everything else is somebody else', () => {
  for (const home of [
    'localhost',
    'a.localhost',
    '127.0.0.1',
    '127.9.8.7',
    '10.1.2.3',
    '192.168.0.1',
    '[::1]',
    '[fe80::1]',
    'nas.local',
  ]) {
    assert.equal(isPrivateHost(home), true, home)
  }
  for (const other of ['a.example', '8.8.8.8', '[2606:4700::1]', 'localhost.example'])
    assert.equal(isPrivateHost(other), false, other)
})

test('names that are mapped to a private address count as private', () => {
  const isPrivate = privateTest([{ pattern: '*.test', address: '127.0.0.1' }])
  assert.equal(isPrivate('http://a.test/x'), true)
  assert.equal(isPrivate('http://a.example/x'), false)
})
