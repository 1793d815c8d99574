#!/usr/bin/env node
/*
 * Starts the command line on a Node that can run it. This file is old JavaScript on purpose (and `bin/package.json` makes
 * it CommonJS): any Node must be able to parse it, so that an old one says what is wrong instead of a syntax error.
 * It must not know what the commands do.
 */
'use strict'

var fs = require('fs')
var path = require('path')

var MINIMUM = [22, 19]
var root = path.join(__dirname, '..')
var source = path.join(root, 'src', 'cli', 'main.ts')
var built = path.join(root, 'dist', 'cli', 'main.js')
var args = process.argv.slice(2)

if (args.length === 1 && (args[0] === '--version' || args[0] === '-V')) {
  process.stdout.write(JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8')).version + '\n')
} else if (isEnough(process.versions.node)) {
  start()
} else {
  useOtherNode()
}

function isEnough(version) {
  var parts = version.split('.')
  var major = Number(parts[0])
  return major > MINIMUM[0] || (major === MINIMUM[0] && Number(parts[1]) >= MINIMUM[1])
}

function start() {
  hideWarnings()
  rememberCompiled()
  var fromSources = fs.existsSync(source) && !require('./built.js').isBuilt(root)
  globalThis[Symbol.for('sluice.resolver')] = path.join(
    __dirname,
    fromSources ? 'resolve-sources.js' : 'resolve-built.js',
  )
  require('./load.js')(require('url').pathToFileURL(fromSources ? source : built).href)
    .then(function (cli) {
      return cli.main(args)
    })
    .then(
      function (code) {
        process.exitCode = code
        leave(code)
      },
      function (error) {
        process.exitCode = 1
        console.error(error)
      },
    )
}

/* A job file of the user may leave timers or sockets behind: they must not keep a finished command alive. */
function leave(code) {
  process.stdout.write('', function () {
    process.stderr.write('', function () {
      process.exit(code)
    })
  })
}

/* node:sqlite (Node 22 and 24) and type stripping (Node 22) announce themselves on every start; both are meant to be used here. */
function hideWarnings() {
  var emitWarning = process.emitWarning
  process.emitWarning = function (warning) {
    var text = typeof warning === 'string' ? warning : warning.message
    var type = typeof arguments[1] === 'string' ? arguments[1] : (arguments[1] || {}).type
    if (type === 'ExperimentalWarning' && /^(SQLite|Type Stripping) /.test(text)) return undefined
    return emitWarning.apply(process, arguments)
  }
}

/* Compiled code and stripped types are kept for the next start: where sources run, that halves the time to the first line. */
function rememberCompiled() {
  var cache = process.env.XDG_CACHE_HOME || path.join(require('os').homedir(), '.cache')
  require('module').enableCompileCache(path.join(cache, 'sluice'))
}

/* A clone brings its own Node as a development dependency: an older one hands over to it. */
function useOtherNode() {
  var pinned = path.join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  if (process.env.SLUICE_RELAUNCHED === '1' || !fs.existsSync(source) || !fs.existsSync(pinned)) {
    console.error(
      'Sluice needs Node.js ' +
        MINIMUM.join('.') +
        ' or newer; this is ' +
        process.version +
        ' (' +
        process.execPath +
        ').',
    )
    console.error(
      fs.existsSync(source)
        ? 'In a clone, `npm ci` brings the right one.'
        : 'Get it from https://nodejs.org/ or your version manager.',
    )
    process.exitCode = 2
    return
  }
  var child = require('child_process').spawn(pinned, [__filename].concat(args), {
    stdio: 'inherit',
    env: Object.assign({}, process.env, { SLUICE_RELAUNCHED: '1' }),
  })
  var signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  signals.forEach(function (signal) {
    process.on(signal, function () {
      child.kill(signal)
    })
  })
  child.on('error', function (error) {
    console.error('cannot start ' + pinned + ': ' + error.message)
    process.exitCode = 1
  })
  child.on('exit', function (code, signal) {
    if (signal === null) {
      process.exitCode = code
      return
    }
    signals.forEach(function (name) {
      process.removeAllListeners(name)
    })
    process.kill(process.pid, signal)
  })
}
