/* Apart from `sluice.js` because an old Node cannot even parse `import()`. */
'use strict'

module.exports = function (url) {
  return import(url)
}
