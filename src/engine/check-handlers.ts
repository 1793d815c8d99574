/** Handlers come from programs without a compiler, too: a misspelt hook would never be called and nobody would know. */
import { SluiceError } from '../model/errors.ts'
import { nearest } from '../model/options.ts'
import type { Handler } from './handler.ts'

const HOOKS = [
  'onRedirect',
  'onStatus',
  'onHeaders',
  'onSuccess',
  'onError',
  'onDone',
] as const satisfies readonly (keyof Handler)[]
const FIELDS: readonly string[] = ['match', ...HOOKS]

/** Throws `OPTION_INVALID` or `OPTION_UNKNOWN`. */
export function checkHandlers(handlers: Readonly<Record<string, Handler>>): void {
  for (const [name, handler] of Object.entries(handlers)) {
    if (handler === null || typeof handler !== 'object') {
      throw new SluiceError('OPTION_INVALID', `handlers.${name} is not an object of hooks`, {
        hint: `hooks are ${HOOKS.join(', ')}`,
      })
    }
    for (const field of Object.keys(handler)) {
      if (FIELDS.includes(field)) continue
      const near = nearest(field, FIELDS)
      throw new SluiceError('OPTION_UNKNOWN', `handlers.${name} has no hook ${field}`, {
        hint: near === undefined ? `hooks are ${HOOKS.join(', ')}` : `did you mean ${near}?`,
      })
    }
    for (const hook of HOOKS) {
      if (handler[hook] !== undefined && typeof handler[hook] !== 'function') {
        throw new SluiceError('OPTION_INVALID', `handlers.${name}.${hook} is not a function`)
      }
    }
  }
}
