/** Errors of sockets and TLS to codes: those that a test on loopback cannot provoke. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectFailure, tlsFailure } from '../../src/fetch/socket-errors.ts'

function failing(code: string, address = '192.0.2.1'): NodeJS.ErrnoException {
  return Object.assign(new Error(`connect ${code}`), { code, address })
}

test('running out of descriptors or ports is local, everything else is not', () => {
  for (const code of ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL']) {
    const failure = connectFailure(failing(code), 'http://a.test')
    assert.equal(failure.code, 'CONNECT_FAILED')
    assert.equal(failure.local, true, code)
  }
  for (const code of ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ECONNRESET', 'EACCES', 'EHOSTDOWN']) {
    const failure = connectFailure(failing(code), 'http://a.test')
    assert.equal(failure.code, 'CONNECT_FAILED')
    assert.equal(failure.local, undefined, code)
    assert.match(failure.message, /^http:\/\/a\.test /)
  }
  assert.equal(
    connectFailure(failing('EADDRNOTAVAIL', '::1'), 'x').local,
    undefined,
    'a machine without IPv6 stays without',
  )
  assert.equal(tlsFailure(failing('EMFILE'), 'x').local, true)
})

test('a connection that times out in the system is TIMEOUT_CONNECT, tried addresses included', () => {
  assert.equal(connectFailure(failing('ETIMEDOUT'), 'x').code, 'TIMEOUT_CONNECT')
  assert.equal(
    connectFailure(new AggregateError([failing('ETIMEDOUT'), failing('ETIMEDOUT')]), 'x').code,
    'TIMEOUT_CONNECT',
  )
  const mixed = connectFailure(new AggregateError([failing('ENETUNREACH', '::1'), failing('ECONNREFUSED')]), 'x')
  assert.equal(mixed.code, 'CONNECT_FAILED')
  assert.equal(connectFailure(new AggregateError([failing('EMFILE')]), 'x').local, true)
})

test('OpenSSL errors are told without addresses of its source', () => {
  const error = failing('ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE')
  error.message =
    '00C8F0DA:error:0A000410:SSL routines:ssl3_read_bytes:sslv3 alert handshake failure:../deps/openssl/x.c:1605:SSL alert number 40\n'
  assert.equal(
    tlsFailure(error, 'https://a.test').message,
    'TLS with https://a.test failed: sslv3 alert handshake failure',
  )
})
