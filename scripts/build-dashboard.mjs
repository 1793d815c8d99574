#!/usr/bin/env node
/** `npm run build:dashboard`: bundles the page of the dashboard into dist/dashboard, with everything it needs. */
import { build } from 'esbuild'
import { copyFileSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const source = join(root, 'src', 'dashboard')
const target = join(root, 'dist', 'dashboard')

mkdirSync(target, { recursive: true })
await build({
  entryPoints: [join(source, 'main.tsx'), join(source, 'jobs.tsx')],
  outdir: target,
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'linked',
  logLevel: 'warning',
})
copyFileSync(join(source, 'page.html'), join(target, 'index.html'))
copyFileSync(join(source, 'jobs.html'), join(target, 'jobs.html'))
