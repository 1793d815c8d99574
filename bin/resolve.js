/*
 * A job file may say `import … from 'sluice'` wherever it lies: what its own folder has installed, else this package.
 * In a clone that means the sources, which need no build. Each thread loads it before its first file of the user: the hook
 * is asked for every module from then on, which is felt at a start.
 */
'use strict'

var fs = require('fs')
var path = require('path')

var root = path.join(__dirname, '..')
var inClone = fs.existsSync(path.join(root, 'src', 'cli', 'main.ts'))
var home = require('url').pathToFileURL(path.join(root, 'package.json')).href

require('module').registerHooks({
  resolve: function (specifier, context, next) {
    if (specifier !== 'sluice' && specifier.indexOf('sluice/') !== 0) return next(specifier, context)
    var conditions = inClone ? context.conditions.concat('sluice-source') : context.conditions
    try {
      return next(specifier, Object.assign({}, context, { conditions: conditions }))
    } catch (error) {
      if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
      return next(specifier, Object.assign({}, context, { conditions: conditions, parentURL: home }))
    }
  },
})
