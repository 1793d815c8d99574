/** Cookies, forms and secrets of a session, each alone. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formsOf } from '../../src/session/form.ts'
import { Jar } from '../../src/session/jar.ts'
import { takeNetscape } from '../../src/session/netscape.ts'
import { recipeOf } from '../../src/session/recipes.ts'
import { Secrets } from '../../src/session/secret.ts'
import { fakeClock } from '../../src/testing/clock.ts'

test('a cookie goes to its domain and path alone, and a secure one only over TLS', () => {
  const jar = new Jar(fakeClock())
  jar.take('https://www.a.test/in/', [
    'host=1',
    'all=2; Domain=a.test; Path=/',
    'safe=3; Secure; Path=/',
    'deep=4; Path=/in',
  ])
  assert.equal(jar.header('https://www.a.test/in/x'), 'host=1; deep=4; all=2; safe=3')
  assert.equal(jar.header('http://www.a.test/'), 'all=2')
  assert.equal(jar.header('https://other.a.test/in/x'), 'all=2')
  assert.equal(jar.header('https://b.test/in/x'), undefined)
  assert.equal(jar.header('https://nota.test/'), undefined)
})

test('cookies for a public suffix, another site or with a false prefix are not taken', () => {
  const jar = new Jar(fakeClock())
  const taken = jar.take('http://www.shop.co.uk/', [
    'a=1; Domain=co.uk',
    'b=1; Domain=other.co.uk',
    '__Secure-c=1; Path=/',
    '__Host-d=1; Domain=shop.co.uk; Path=/; Secure',
    'no cookie at all',
    `big=${'x'.repeat(5_000)}`,
    'good=1; Domain=shop.co.uk',
  ])
  assert.deepEqual(taken, ['good'])
  assert.equal(jar.header('http://shop.co.uk/'), 'good=1')
})

test('cookies die by the clock, Max-Age counted from when they came, and at most 50 of a domain are kept', () => {
  const clock = fakeClock()
  const jar = new Jar(clock)
  jar.take('http://a.test/', ['short=1; Max-Age=10', 'dated=2; Expires=Wed, 01 Jan 2025 00:01:00 GMT'])
  clock.advance(9_000)
  assert.equal(jar.header('http://a.test/'), 'short=1; dated=2')
  clock.advance(2_000)
  assert.equal(jar.header('http://a.test/'), 'dated=2')
  clock.advance(60_000)
  assert.equal(jar.header('http://a.test/'), undefined)
  for (let n = 0; n < 60; n++) jar.take('http://b.test/', [`c${n}=1`])
  const names = jar.header('http://b.test/')?.split('; ') ?? []
  assert.equal(names.length, 50)
  assert.equal(names.includes('c59=1'), true)
  assert.equal(names.includes('c0=1'), false)
})

test('a jar comes back from its JSON as it was', () => {
  const clock = fakeClock()
  const jar = new Jar(clock)
  jar.take('https://a.test/x', ['a=1; Domain=a.test; Path=/; Secure; HttpOnly; Max-Age=60', 'b=2'])
  const again = new Jar(clock)
  again.restore(JSON.parse(JSON.stringify(jar)))
  assert.equal(again.header('https://a.test/x'), jar.header('https://a.test/x'))
  clock.advance(61_000)
  assert.equal(again.header('https://a.test/x'), 'b=2')
})

test('a cookie file of a browser is read, and a broken line is named without being shown', () => {
  const jar = new Jar(fakeClock())
  const text =
    '# Netscape HTTP Cookie File\r\n\r\n.a.test\tTRUE\t/\tFALSE\t0\tsid\tcanary\r\n' +
    '#HttpOnly_www.b.test\tFALSE\t/in\tTRUE\t1893456000\tkey\tva=lue\r\n'
  assert.deepEqual(takeNetscape(text, 'cookies.txt', jar), ['http://a.test/', 'https://www.b.test/'])
  assert.equal(jar.header('http://sub.a.test/'), 'sid=canary')
  assert.equal(jar.header('https://www.b.test/in/x'), 'key=va=lue')
  assert.equal(jar.header('http://www.b.test/in/x'), undefined)
  assert.throws(
    () => takeNetscape('a.test\tcanary\n', 'cookies.txt', jar),
    (error: Error & { code?: string }) =>
      error.code === 'OPTION_INVALID' && error.message.includes('cookies.txt:1') && !error.message.includes('canary'),
  )
})

test('a form is sent with what a browser would send: hidden fields, defaults, chosen options, the first button', () => {
  const { forms, base } = formsOf(
    '<base href="/deep/"><form id=search><input name=q></form>' +
      '<form name="enter" method=post action="go?x=1"><input type=hidden name=csrf value="a&amp;b"><input name=user value=me>' +
      '<input type=password name=pass><input type=checkbox name=keep checked><input type=checkbox name=off value=1>' +
      '<select name=lang><option value=en>E<option value=pt selected>P</select><select name=zone><option value=1>1</select>' +
      '<textarea name=note>hi</textarea><input type=text name=dead disabled><input type=file name=up>' +
      '<input type=submit name=act value=in><button name=act2 value=other>x</button></form>',
  )
  assert.equal(base, '/deep/')
  assert.equal(forms.length, 2)
  const form = forms[1]
  assert.deepEqual(form?.fields, [
    ['csrf', 'a&b'],
    ['user', 'me'],
    ['pass', ''],
    ['keep', 'on'],
    ['lang', 'pt'],
    ['zone', '1'],
    ['note', 'hi'],
    ['act', 'in'],
  ])
  assert.deepEqual(form?.passwords, ['pass'])
  assert.equal(form?.method, 'POST')
  assert.equal(form?.action, 'go?x=1')
})

test('secrets come from variables and files, and every text loses them', () => {
  const secrets = new Secrets({ PASS: 'canary one' }, '/')
  assert.equal(secrets.read({ env: 'PASS' }), 'canary one')
  assert.equal(secrets.read('canary/two'), 'canary/two')
  assert.equal(secrets.mask('canary one, canary%20one, canary/two, canary%2Ftwo'), '…, …, …, …')
  for (const [secret, named] of [
    [{ env: 'MISSING' }, 'MISSING'],
    [{ file: 'nowhere/password' }, 'nowhere/password'],
  ] as const) {
    assert.throws(
      () => secrets.read(secret),
      (error: Error & { code?: string }) => error.code === 'OPTION_INVALID' && error.message.includes(named),
    )
  }
})

test('plain data names a recipe, and what is none is refused without showing it', () => {
  const recipe = recipeOf({ recipe: 'bearer', url: 'https://a.test/', token: { env: 'T' } }, 'session.json')
  assert.equal(recipe.name, 'bearer')
  assert.equal(recipeOf(recipe, 'x'), recipe)
  for (const [value, why] of [
    [undefined, 'no session'],
    ['canary', 'no session'],
    [{ recipe: 'constructor' }, 'names no recipe'],
    [{ recipe: 'bearer', token: 'canary' }, 'url is missing'],
    [{ recipe: 'bearer', url: 'canary', token: 'canary' }, 'url is not a URL'],
    [{ ...recipe, sites: ['canary'] }, 'not a URL'],
  ] as const) {
    assert.throws(
      () => recipeOf(value, 'session.json'),
      (error: Error & { code?: string }) =>
        error.code === 'OPTION_INVALID' && error.message.includes(why) && !error.message.includes('canary'),
    )
  }
})
