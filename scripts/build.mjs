#!/usr/bin/env node
/**
 * `npm run build`: makes dist/ out of src/. TypeScript checks and emits every module; the modules are then joined into a
 * few files (docs/adr/0045-joined-modules.md), because a start that opens 400 files takes twice as long as one that opens
 * 50. What can be named from outside keeps its path and hands on what the joined file exports.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { writeMark } from '../bin/built.js'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const dist = join(root, 'dist')
/** All joined files lie in this one folder, so that `..` is dist in each of them. */
const JOINED = 'joined'
const { exports, dependencies, peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** Started or loaded by their address: threads, child processes and modules for threads, as the sources name them. */
const BY_ADDRESS = [
  'extract/pdf-text.js',
  'extract/worker.js',
  'frontier/sqlite/checkpoint-worker.js',
  'job/archive-reader.js',
  'job/compare-child.js',
  'job/query-child.js',
  'server/serve/job-child.js',
  'sink/warc-worker.js',
  'testing/origin/serve.js',
]

/** Packages that most starts load, taken in; the others stay packages of their own. Their licences come along. */
const TAKEN_IN = [
  '@exodus/bytes',
  'commander',
  'css-what',
  'csv-parse',
  'dom-serializer',
  'domelementtype',
  'domhandler',
  'domutils',
  'entities',
  'html-encoding-sniffer',
  'htmlparser2',
  'ipaddr.js',
  'lru-cache',
  'picocolors',
  'tldts',
  'tough-cookie',
  'whatwg-mimetype',
  'xxhash-wasm',
]

rmSync(dist, { recursive: true, force: true })
run(join(root, 'node_modules', 'typescript', 'bin', 'tsc'), ['-p', join(root, 'tsconfig.build.json')])
const entries = [...new Set([...exported(), 'cli/main.js', ...BY_ADDRESS])].toSorted()
const { metafile } = await build({
  entryPoints: Object.fromEntries(
    entries.map((path) => [path.slice(0, -'.js'.length).replaceAll('/', '.'), join(dist, path)]),
  ),
  outdir: join(dist, JOINED),
  absWorkingDir: root,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22.19',
  metafile: true,
  legalComments: 'none',
  logLevel: 'warning',
  plugins: [
    { name: 'stay-outside', setup: stayOutside },
    { name: 'own-address', setup: ownAddress },
  ],
})
missNothing(metafile.inputs)
handOn(metafile.outputs)
writeLicences(metafile.inputs)
run(join(root, 'scripts', 'build-dashboard.mjs'), [])
writeMark(root)

/** The modules that package.json exports, below dist. */
function exported() {
  const targets = Object.values(exports).flatMap((entry) => (typeof entry === 'string' ? [] : [entry.default]))
  return targets.flatMap((target) =>
    globSync(target, { cwd: root }).map((path) => relative('dist', path).replaceAll('\\', '/')),
  )
}

/** Every package is imported as it is, but those taken in. */
function stayOutside(build) {
  build.onResolve({ filter: /^[^./]/ }, ({ path, kind }) => {
    if (kind === 'entry-point' || isBuiltin(path)) return undefined
    const name = path.split('/', path.startsWith('@') ? 2 : 1).join('/')
    if (TAKEN_IN.includes(name)) return undefined
    if (dependencies[name] === undefined && peerDependencies[name] === undefined)
      throw new Error(`${name} would be missing where the package is installed: take it in or depend on it`)
    return { path, external: true }
  })
}

/** A module goes on saying the address that it had before it was joined with others. */
function ownAddress(build) {
  build.onLoad({ filter: /[\\/]dist[\\/].*\.js$/ }, ({ path }) => {
    const own = relative(dist, path).replaceAll('\\', '/')
    const text = readFileSync(path, 'utf8')
    for (const [, name] of text.matchAll(/\.ts' : '\.\/([\w-]+\.js)'/g))
      if (!BY_ADDRESS.includes(join(dirname(own), name).replaceAll('\\', '/')))
        throw new Error(`${own} loads ${name} by its address: name it in scripts/build.mjs`)
    return { contents: text.replaceAll('import.meta.url', `new URL('../${own}', import.meta.url).href`), loader: 'js' }
  })
}

/** Programs of their own are called so: one that nobody imports must be in the table of what is loaded by its address. */
function missNothing(inputs) {
  const missed = globSync('**/{*-child,*-worker,worker}.js', { cwd: dist })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !path.startsWith(`${JOINED}/`) && inputs[`dist/${path}`] === undefined)
  if (missed.length > 0) throw new Error(`nobody imports ${missed.join(', ')}: name it in scripts/build.mjs`)
}

/** In place of each module that can be named, one line; the other modules of dist are inside the joined files now. */
function handOn(outputs) {
  for (const path of globSync('**/*.js', { cwd: dist })) if (!path.startsWith(JOINED)) rmSync(join(dist, path))
  for (const [output, { entryPoint, exports: names }] of Object.entries(outputs)) {
    if (entryPoint === undefined || !entries.includes(relative('dist', entryPoint).replaceAll('\\', '/'))) continue
    const from = `${'../'.repeat(entryPoint.split('/').length - 2) || './'}${relative('dist', output).replaceAll('\\', '/')}`
    const list = names.length === 0 ? `import '${from}'` : `export { ${names.toSorted().join(', ')} } from '${from}'`
    writeFileSync(join(root, entryPoint), `${list}\n`)
  }
}

/** The licences of what was taken in, beside the code. */
function writeLicences(inputs) {
  const places = new Set(
    Object.keys(inputs).flatMap((path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []),
  )
  const texts = [...places].toSorted().map((place) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, place, 'package.json'), 'utf8'))
    const file = globSync('{LICENSE,LICENCE,license}*', { cwd: join(root, place) })[0]
    if (file === undefined && license === undefined) throw new Error(`${name} has no licence: it cannot be taken in`)
    const text = file === undefined ? `${license}\n` : readFileSync(join(root, place, file), 'utf8')
    return `${name} ${version}\n\n${text.trim()}\n`
  })
  writeFileSync(join(dist, JOINED, 'LICENCES.txt'), texts.join(`\n${'-'.repeat(80)}\n\n`))
}

function run(script, args) {
  if (!existsSync(script)) throw new Error(`${script} is missing: npm ci`)
  const { status } = spawnSync(process.execPath, [script, ...args], { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
