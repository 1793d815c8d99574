/**
 * Reporter of `node:test` for scripts/run.mjs: one JSON line per finished test, to a file of its own, so that nothing a
 * test prints can be mistaken for a result. Suites and parents count only when they failed by themselves.
 */
import { inspect } from 'node:util'

export default async function* reporter(source) {
  const path = []
  for await (const { type, data } of source) {
    if (type === 'test:start') {
      path.length = data.nesting
      path[data.nesting] = data.name
      continue
    }
    if (type === 'test:summary') {
      yield `${JSON.stringify({ end: true })}\n`
      continue
    }
    if (type !== 'test:pass' && type !== 'test:fail') continue
    const error = data.details?.error
    if (error?.failureType === 'subtestsFailed') continue
    const isSuite = data.details?.type === 'suite'
    if (isSuite && type === 'test:pass' && data.skip === undefined) continue
    const name = [...path.slice(0, data.nesting), data.name].join(' > ')
    if (data.skip !== undefined || data.todo !== undefined) {
      const reason = typeof data.skip === 'string' ? data.skip : data.skip === undefined ? 'todo' : ''
      yield `${JSON.stringify({ state: 'skipped', name, reason })}\n`
    } else if (type === 'test:pass') {
      yield `${JSON.stringify({ state: 'passed', name })}\n`
    } else {
      yield `${JSON.stringify({ state: 'failed', name, where: `${data.file}:${data.line}`, error: explain(error) })}\n`
    }
  }
}

/** The thrown value in full, without the runner's wrapper around it. */
function explain(error) {
  const cause = error?.cause ?? error
  if (cause instanceof Error)
    return cause.stack?.includes(cause.message) ? inspect(cause) : `${cause.message}\n${inspect(cause)}`
  return typeof cause === 'string' ? cause : inspect(cause)
}
