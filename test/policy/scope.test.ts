import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createScope } from '../../src/policy/scope.ts'
import type { ScopeWord } from '../../src/policy/scope.ts'

const seeds = ['https://www.shop.example/books/index.html']

function codes(word: ScopeWord, urls: string[]): (string | undefined)[] {
  const scope = createScope({ word, seeds })
  return urls.map((url) => scope.check(url, 1)?.code)
}

test('each scope word draws its border', () => {
  const urls = [
    'https://www.shop.example/books/index.html',
    'http://www.shop.example/books/2.html',
    'https://shop.example/cart',
    'https://blog.shop.example/',
    'https://other.example/',
  ]
  const no = 'SCOPE_DENIED'
  assert.deepEqual(codes('page', urls), [undefined, no, no, no, no])
  assert.deepEqual(codes('prefix', urls), [undefined, undefined, no, no, no])
  assert.deepEqual(codes('host', urls), [undefined, undefined, undefined, no, no])
  assert.deepEqual(codes('domain', urls), [undefined, undefined, undefined, undefined, no])
  assert.deepEqual(codes('any', urls), [undefined, undefined, undefined, undefined, undefined])
})

test('exclude wins over everything, include spares the start pages, and both name the rule', () => {
  const scope = createScope({ word: 'host', seeds: ['https://a.test/'], include: ['/docs/**'], exclude: ['**/*.zip'] })
  assert.equal(scope.check('https://a.test/', 0), undefined)
  assert.equal(scope.check('https://a.test/docs/x', 1), undefined)
  assert.equal(scope.check('https://a.test/blog', 1)?.reason, 'include: no pattern matches')
  assert.match(scope.check('https://a.test/docs/x.zip', 1)?.reason ?? '', /^exclude: /)
})

test('depth beyond the limit is a limit, not a denial', () => {
  const scope = createScope({ word: 'host', seeds: ['https://a.test/'], depth: 2 })
  assert.equal(scope.check('https://a.test/x', 2), undefined)
  assert.deepEqual(scope.check('https://a.test/x', 3), { code: 'LIMIT', reason: 'depth: 2' })
})

test('a redirected start page widens the scope once', () => {
  const scope = createScope({ word: 'host', seeds: ['https://old.test/'] })
  assert.equal(scope.check('https://new.test/', 1)?.code, 'SCOPE_DENIED')
  assert.equal(scope.widen('https://new.test/'), true)
  assert.equal(scope.widen('https://new.test/other'), false)
  assert.equal(scope.check('https://new.test/deep', 1), undefined)
})

test('paths that only an endless site makes are traps', () => {
  const scope = createScope({ word: 'any', seeds: [] })
  assert.equal(scope.check('https://a.test/a/a/a/a/a/a/', 3)?.code, 'TRAP_LIMIT')
  assert.equal(scope.check('https://a.test/x/a/b/a/b/a/b/a/b/a/b', 3)?.code, 'TRAP_LIMIT')
  assert.equal(
    scope.check(`https://a.test/${Array.from({ length: 40 }, (_, i) => `s${i}`).join('/')}`, 3)?.code,
    'TRAP_LIMIT',
  )
})

test('deep but honest paths are not traps', () => {
  const scope = createScope({ word: 'any', seeds: [] })
  assert.equal(scope.check('https://a.test/docs/3/library/3/library/x/y/z.html', 3), undefined)
  assert.equal(scope.check('https://a.test/2024/11/11/2024/11/11', 3), undefined)
  assert.equal(scope.check('https://a.test/?q=/a/a/a/a/a/a/a', 3), undefined)
})
