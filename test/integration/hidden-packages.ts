/**
 * Loaded into a child before everything else: the packages of `HIDDEN_PACKAGES` cannot be found, as where they were never
 * installed.
 */
import { registerHooks } from 'node:module'

const hidden = (process.env['HIDDEN_PACKAGES'] ?? '').split(',').filter((name) => name !== '')

registerHooks({
  resolve(specifier, context, next) {
    if (!hidden.some((name) => specifier === name || specifier.startsWith(`${name}/`))) return next(specifier, context)
    throw Object.assign(new Error(`Cannot find package '${specifier}'`), { code: 'ERR_MODULE_NOT_FOUND' })
  },
})
