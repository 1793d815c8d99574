import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { SluiceError } from '../../src/model/errors.ts'
import { controlPath, requestControl, serveControl } from '../../src/job/control.ts'

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-control-'))
  try {
    await run(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('the owner answers, and errors cross with code and hint', async () => {
  await withFolder(async (folder) => {
    const server = await serveControl(folder, async (method, params) => {
      if (method === 'set') throw new SluiceError('OPTION_INVALID', 'no', { hint: 'try delay' })
      return { method, params }
    })
    assert.deepEqual(await requestControl(folder, 'stop', { by: 'test' }), { method: 'stop', params: { by: 'test' } })
    await assert.rejects(requestControl(folder, 'set', {}), { code: 'OPTION_INVALID', hint: 'try delay' })
    await server.close()
  })
})

test('nobody listening is an answer too, also after a death left the socket file', async () => {
  await withFolder(async (folder) => {
    assert.equal(await requestControl(folder, 'snapshot', {}), undefined)
    const server = await serveControl(folder, async () => 1)
    await server.close()
    assert.equal(await requestControl(folder, 'snapshot', {}), undefined)
    const again = await serveControl(folder, async () => 2)
    assert.equal(await requestControl(folder, 'snapshot', {}), 2)
    await again.close()
  })
})

test('only the owner of the folder may open the control socket', {
  skip: process.platform === 'win32' ? 'no file modes' : false,
}, async () => {
  await withFolder(async (folder) => {
    const server = await serveControl(folder, async () => null)
    assert.equal(statSync(controlPath(folder)).mode & 0o777, 0o600)
    await server.close()
  })
})

test('garbage on the control socket gets a JSON-RPC error and harms nothing', async () => {
  await withFolder(async (folder) => {
    const server = await serveControl(folder, async () => 'fine')
    const reply = await new Promise<string>((resolve) => {
      const socket = createConnection(controlPath(folder), () => socket.write('not json\n{"method":"rm -rf"}\n'))
      let text = ''
      socket.setEncoding('utf8')
      socket.on('data', (chunk: string) => {
        text += chunk
        if (text.split('\n').length > 2) {
          socket.destroy()
          resolve(text)
        }
      })
    })
    assert.match(reply, /-32700/)
    assert.match(reply, /-32601/)
    assert.equal(await requestControl(folder, 'snapshot', {}), 'fine')
    await server.close()
  })
})
