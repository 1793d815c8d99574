/**
 * A server's access log for tests: combined lines that carry their number, written as servers and logrotate treat them:
 * appended, in halves, rotated by rename, copied and cut, cut. It knows what was written, so that a test can tell what
 * was lost.
 */
import { appendFileSync, copyFileSync, existsSync, renameSync, truncateSync, writeFileSync } from 'node:fs'
import type { Random } from './random.ts'

export interface AccessLog {
  readonly path: string
  /** Paths of all lines written whole so far, in order: `/p/0`, `/p/1` … */
  readonly paths: readonly string[]
  append(count: number): void
  /** Writes the beginning of the next line; `append` ends it first. */
  half(): void
  /** `access.log` becomes `access.log.1`, that one `.2`; a new, empty file takes its place. */
  rotate(): void
  /** A copy becomes `access.log.1`; the file itself is cut to nothing. */
  copyTruncate(): void
  /** Cut to nothing: what was not read is gone. */
  truncate(): void
}

/** Makes the file, empty. `random` draws statuses and referrers. */
export function accessLog(path: string, random: Random): AccessLog {
  const paths: string[] = []
  let rest = ''
  writeFileSync(path, '')

  function lineOf(n: number): string {
    const status = random.pick([200, 200, 200, 304, 404])
    const referrer = random.pick(['-', 'https://elsewhere.example/página', 'https://here.example/'])
    const time = `10/Oct/2000:13:55:${String(n % 60).padStart(2, '0')} -0700`
    return `127.0.0.1 - - [${time}] "GET /p/${n} HTTP/1.1" ${status} ${n} "${referrer}" "test/1"\n`
  }
  function endHalf(): void {
    if (rest === '') return
    appendFileSync(path, rest)
    rest = ''
    paths.push(`/p/${paths.length}`)
  }
  function shift(): void {
    for (let n = 8; n >= 1; n--) if (existsSync(`${path}.${n}`)) renameSync(`${path}.${n}`, `${path}.${n + 1}`)
  }

  return {
    path,
    paths,
    append(count) {
      endHalf()
      let text = ''
      for (let i = 0; i < count; i++) {
        text += lineOf(paths.length)
        paths.push(`/p/${paths.length}`)
      }
      appendFileSync(path, text)
    },
    half() {
      endHalf()
      const line = lineOf(paths.length)
      const at = Math.ceil(line.length / 2)
      appendFileSync(path, line.slice(0, at))
      rest = line.slice(at)
    },
    rotate() {
      endHalf()
      shift()
      renameSync(path, `${path}.1`)
      writeFileSync(path, '')
    },
    copyTruncate() {
      endHalf()
      shift()
      copyFileSync(path, `${path}.1`)
      truncateSync(path)
    },
    truncate() {
      endHalf()
      truncateSync(path)
    },
  }
}
