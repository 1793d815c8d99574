/* `import … from 'sluice'` means dist. */
'use strict'

require('./resolver.js')([])
