/** A private nginx on loopback that serves a folder: a server nobody here wrote, with validators and a log. */
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, listening } from '../private-server.ts'

export interface Nginx {
  readonly port: number
  /** Answers so far: status, body bytes, request target. */
  log(): { status: number; bytes: number; target: string }[]
  /** Ends it and waits for its end. */
  close(): Promise<void>
}

/**
 * Serves `root`; configuration, log and temporary files go below `work`.
 * @param rate bytes a second of each answer. Default 0: no limit.
 */
export async function startNginx(binary: string, root: string, work: string, rate = 0): Promise<Nginx> {
  mkdirSync(join(work, 'tmp'), { recursive: true })
  const port = await freePort()
  const log = join(work, 'access.log')
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${join(work, 'tmp')};`)
    .join(' ')
  // As root it would become a user who may not enter a temporary folder.
  const user = process.getuid?.() === 0 ? 'user root;\n' : ''
  const config = `${user}daemon off; master_process off; worker_processes 1; pid ${join(work, 'nginx.pid')};
error_log ${join(work, 'error.log')} warn;
events { worker_connections 1024; }
http {
  types { text/html html htm; text/css css; image/png png; application/javascript js; }
  default_type application/octet-stream;
  log_format short '$status $body_bytes_sent $request_uri';
  access_log ${log} short;
  keepalive_requests 100000000; sendfile on; etag on; limit_rate ${rate}; ${temporary}
  server { listen 127.0.0.1:${port} backlog=1024; root ${root}; index index.html index.htm; absolute_redirect off; }
}
`
  writeFileSync(join(work, 'nginx.conf'), config)
  const child = spawn(binary, ['-p', work, '-c', join(work, 'nginx.conf'), '-e', join(work, 'error.log')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const end = (): boolean => child.kill('SIGTERM')
  process.once('exit', end)
  await listening(child, port)
  return {
    port,
    log: () =>
      readFileSync(log, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => {
          const [status = '', bytes = '', target = ''] = line.split(' ')
          return { status: Number(status), bytes: Number(bytes), target }
        }),
    async close() {
      process.removeListener('exit', end)
      end()
      await ended
    },
  }
}
