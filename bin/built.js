/*
 * In a clone: is dist what the sources are now? The build leaves a mark made of every source's path, size and time of
 * change; where it fits, commands start from dist, which takes a third of the time that stripping types does. Old
 * JavaScript, like everything that `sluice.js` loads.
 */
'use strict'

var fs = require('fs')
var path = require('path')

var MARK = path.join('dist', 'sources.txt')
/* What ends up in dist. */
var INPUTS = ['src', 'package.json', path.join('scripts', 'build.mjs')]

/* Of all sources below the root of a clone. */
exports.markOf = function (root) {
  var count = 0
  var size = 0
  var newest = 0
  function add(place) {
    var stat = fs.statSync(place)
    if (stat.isDirectory()) {
      fs.readdirSync(place).forEach(function (name) {
        add(path.join(place, name))
      })
      return
    }
    count += 1
    size += stat.size
    newest = Math.max(newest, stat.mtimeMs)
  }
  INPUTS.forEach(function (name) {
    add(path.join(root, name))
  })
  return count + ' ' + size + ' ' + newest + '\n'
}

exports.isBuilt = function (root) {
  var mark = path.join(root, MARK)
  return fs.existsSync(mark) && fs.readFileSync(mark, 'utf8') === exports.markOf(root)
}

exports.writeMark = function (root) {
  fs.writeFileSync(path.join(root, MARK), exports.markOf(root))
}
