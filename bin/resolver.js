/*
 * A job file may say `import … from 'sluice'` wherever it lies: what its own folder has installed, else this package, in
 * the form that runs. Each thread loads it before its first file of the user: the hook is asked for every module from then
 * on, which is felt at a start.
 */
'use strict'

var path = require('path')

var home = require('url').pathToFileURL(path.join(__dirname, '..', 'package.json')).href

module.exports = function (more) {
  require('module').registerHooks({
    resolve: function (specifier, context, next) {
      if (specifier !== 'sluice' && specifier.indexOf('sluice/') !== 0) return next(specifier, context)
      var conditions = context.conditions.concat(more)
      try {
        return next(specifier, Object.assign({}, context, { conditions: conditions }))
      } catch (error) {
        if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
        return next(specifier, Object.assign({}, context, { conditions: conditions, parentURL: home }))
      }
    },
  })
}
