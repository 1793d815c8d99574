/** Jobs with `--http2`: as polite as any other, by the server's own ledger, and archived so that others can read it. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { openArchive } from '../../src/source/warc.ts'
import { startHttp2Origin, type Http2Origin } from '../../src/testing/http2-origin.ts'
import { inFolder, runCli } from '../cli/run-cli.ts'
import { CERTIFICATE, KEY } from '../fetch/certificates.ts'
import { readWithWarcio } from '../warc/independent.ts'
import { readRecords } from './web.ts'

const DELAY = 60

async function runHttp2(t: TestContext, cwd: string, urls: readonly string[], more: readonly string[]) {
  const server = await startHttp2Origin({ key: KEY, cert: CERTIFICATE })
  t.after(() => server.close())
  writeFileSync(join(cwd, 'ca.pem'), CERTIFICATE)
  writeFileSync(join(cwd, 'urls.txt'), urls.map((url) => `${url}\n`).join(''))
  const args = [
    'fetch',
    'urls.txt',
    '-j',
    'h2',
    '--http2',
    '--resolve',
    `*=127.0.0.1:${server.port}`,
    '--progress',
    'none',
  ]
  args.push('--contact', 'https://lab.example/bot', '--delay', `${DELAY}ms`, '-o', 'pages.ndjson', ...more)
  const { code, stderr } = await runCli(args, { cwd, env: { NODE_EXTRA_CA_CERTS: join(cwd, 'ca.pem') } })
  assert.equal(code, 0, stderr)
  return server
}

/** From the end of one answer to the next request of the same host, ms. */
function gapsOf({ arrivals }: Http2Origin, host: string): number[] {
  const own = arrivals.filter((one) => one.host === host)
  return own.slice(1).map(({ arrivedAt }, i) => arrivedAt - (own[i]?.endedAt ?? Number.POSITIVE_INFINITY))
}

test('streams wait for the pace of their host as connections do, also after a GOAWAY and with robots.txt', async (t) => {
  await inFolder(async (cwd) => {
    const paths = ['/ok?1', '/delay/30', '/goaway-after', '/ok?2', '/goaway-error', '/ok?3']
    const urls = ['good.test', 'www.good.test'].flatMap((host) => paths.map((path) => `https://${host}${path}`))
    const server = await runHttp2(t, cwd, urls, [])
    assert.ok(readRecords(join(cwd, 'pages.ndjson')).every(({ outcome }) => outcome === 'ok'))
    assert.ok(server.arrivals.every(({ protocol }) => protocol === 'h2'))
    for (const host of ['good.test', 'www.good.test']) {
      const gaps = gapsOf(server, host)
      // robots.txt, the pages, and the one that was tried twice.
      assert.equal(gaps.length, paths.length + 1)
      assert.ok(Math.min(...gaps) >= DELAY - 1, `a gap of ${Math.min(...gaps)} ms`)
    }
  })
})

test('an archive says that HTTP/2 was spoken, and others read its records', async (t) => {
  await inFolder(async (cwd) => {
    await runHttp2(
      t,
      cwd,
      ['https://good.test/ok', 'https://good.test/status/404'],
      ['--store', '--header', 'X-Own: 1'],
    )
    const path = join(cwd, 'h2.sluice', 'archive', 'pages.warc.gz')
    const text = gunzipSync(readFileSync(path)).toString('latin1')
    assert.equal(text.match(/\r\nWARC-Protocol: h2\r\n/g)?.length, 4, 'requests and responses')
    assert.match(text, /HTTP\/1\.1 200 \r\n/)
    const records = await readWithWarcio(path)
    const request = records.find(({ type }) => type === 'request')
    assert.deepEqual(request?.httpHeaders[0], ['Host', 'good.test'])
    assert.ok(!request?.httpHeaders.some(([name]) => /^connection$/i.test(name)))
    const home = await openArchive(join(cwd, 'h2.sluice', 'archive')).lookup('https://good.test/ok')
    assert.match(Buffer.from(home?.body ?? []).toString(), /A page by HTTP\/2/)
  })
})
