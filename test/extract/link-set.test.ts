import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LINK_KINDS } from '../../src/extract/extractor.ts'
import { parseFollow } from '../../src/extract/link-set.ts'
import { SluiceError } from '../../src/model/errors.ts'

test('words of --follow name kinds, assets and all several of them', () => {
  assert.deepEqual([...parseFollow(['a', 'frame'])], ['a', 'frame'])
  assert.deepEqual([...parseFollow(['A, assets'])], ['a', 'img', 'srcset', 'script', 'link'])
  assert.deepEqual([...parseFollow(['all'])], [...LINK_KINDS])
  assert.deepEqual([...parseFollow([])], [])
})

test('an unknown word of --follow is refused with the nearest one', () => {
  assert.throws(
    () => parseFollow(['a', 'scripts']),
    (error: unknown) =>
      error instanceof SluiceError && error.code === 'OPTION_INVALID' && /did you mean script\?/.test(error.hint ?? ''),
  )
})
