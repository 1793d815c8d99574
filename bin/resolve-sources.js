/* `import … from 'sluice'` means the sources, which need no build. */
'use strict'

require('./resolver.js')(['sluice-source'])
