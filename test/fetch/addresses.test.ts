/** The address policy: what a job that may not reach inwards never connects to. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isPublicAddress } from '../../src/fetch/address.ts'
import { rawServer, reply } from './raw-server.ts'
import { setUp } from './setup.ts'

test('only addresses of the public internet are public', () => {
  const inward = [
    '0.0.0.0',
    '0.1.2.3',
    '10.0.0.1',
    '100.64.0.1',
    '127.0.0.1',
    '127.255.255.254',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.1',
    '192.0.2.1',
    '192.168.1.1',
    '198.18.0.1',
    '198.19.255.255',
    '198.51.100.1',
    '203.0.113.1',
    '224.0.0.1',
    '239.255.255.255',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:10.0.0.1',
    '64:ff9b::7f00:1',
    '64:ff9b::10.0.0.1',
    '100::1',
    '2002:7f00:1::',
    '2002:a00:1::1',
    '2001:0:4136:e378:8000:63bf:80ff:fffe',
    'fc00::1',
    'fd12:3456::1',
    'fe80::1',
    'fe80::1%eth0',
    'ff02::1',
    '',
    'localhost',
    'example.com',
  ]
  for (const address of inward) assert.equal(isPublicAddress(address), false, address)
  const outward = [
    '1.1.1.1',
    '8.8.8.8',
    '93.184.216.34',
    '172.32.0.1',
    '100.128.0.1',
    '2606:2800:220:1:248:1893:25c8:1946',
    '::ffff:8.8.8.8',
    '64:ff9b::808:808',
    '2002:808:808::1',
  ]
  for (const address of outward) assert.equal(isPublicAddress(address), true, address)
})

test('inward addresses are ADDRESS_DENIED however they are written, and never connected to', async (t) => {
  const canary = await rawServer(t, () => reply('inside'))
  const { get } = await setUp(t, {
    allowPrivate: false,
    lookup: (hostname, callback) => {
      if (hostname === 'inward.test') callback(null, [{ address: '127.0.0.1', family: 4 }])
      else if (hostname === 'mapped.test') callback(null, [{ address: '::ffff:127.0.0.1', family: 6 }])
      else if (hostname === 'both.test')
        callback(null, [
          { address: '::1', family: 6 },
          { address: '127.0.0.1', family: 4 },
        ])
      else callback(Object.assign(new Error('none'), { code: 'ENOTFOUND' }), [])
    },
    resolve: [{ pattern: 'moved.test', address: '127.0.0.1' }],
  })
  for (const host of [
    '127.0.0.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '0x7f.1',
    '017700000001',
    '2130706433',
    '0.0.0.0',
    'inward.test',
    'mapped.test',
    'both.test',
    'moved.test',
  ]) {
    const ended = await get(`http://${host}:${canary.port}/`)
    assert.equal(ended.code, 'ADDRESS_DENIED', host)
    assert.match(ended.failure?.message ?? '', /not an address of the public internet/)
  }
  assert.equal(canary.sockets.length, 0)
})

test('a port of this machine that is to be avoided is never connected to, by whatever name', async (t) => {
  const canary = await rawServer(t, () => reply('inside'))
  const beside = await rawServer(t, () => reply('beside'))
  const { get } = await setUp(t, {
    avoid: [`*:${canary.port}`],
    resolve: [{ pattern: 'moved.test', address: '127.0.0.1' }],
  })
  for (const host of ['127.0.0.1', '127.8.8.8', '[::ffff:127.0.0.1]', '0x7f.1', '0.0.0.0', 'localhost', 'moved.test'])
    assert.equal((await get(`http://${host}:${canary.port}/`)).code, 'ADDRESS_DENIED', host)
  assert.equal(canary.sockets.length, 0)
  assert.equal((await get(`http://moved.test:${beside.port}/`)).code, 200)
})

test('a name that leads outside at first and inside later is denied when it does', async (t) => {
  const canary = await rawServer(t, () => reply('inside'))
  let asked = 0
  const { start } = await setUp(t, {
    allowPrivate: false,
    timeoutMs: 50,
    // 192.0.2.0/24 is reserved for documentation; the policy refuses it as well, so nothing leaves the machine.
    lookup: (_hostname, callback) =>
      callback(null, [{ address: asked++ === 0 ? '192.0.2.1' : '127.0.0.1', family: 4 }]),
  })
  for (let i = 0; i < 3; i++)
    assert.equal((await start(`http://rebinding.test:${canary.port}/`).ended).code, 'ADDRESS_DENIED')
  assert.equal(canary.sockets.length, 0)
})

test('a proxy on the inside may be used, inward targets through it may not', async (t) => {
  const proxy = await rawServer(t, ({ path }) => reply(path))
  const { get } = await setUp(t, { allowPrivate: false, proxy: proxy.origin })
  assert.equal((await get('http://example.test/')).text, 'http://example.test/')
  assert.equal((await get('http://169.254.169.254/latest/')).code, 'ADDRESS_DENIED')
  assert.equal((await get('http://[::1]/')).code, 'ADDRESS_DENIED')
})
