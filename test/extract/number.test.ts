import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseNumber } from '../../src/extract/number.ts'

const CASES: readonly (readonly [string, number | undefined])[] = [
  ['1.234,56 €', 1234.56],
  ['1,234.56', 1234.56],
  ['$1,234,567.89', 1234567.89],
  ['1.234.567', 1234567],
  ['12,34,567.50', 1234567.5],
  ['1 234,56 zł', 1234.56],
  ['PLN 1 234,56', 1234.56],
  ['1\u202f234,56\u00a0€', 1234.56],
  ['1\u2009234', 1234],
  ["CHF 1'234.50", 1234.5],
  ['1’234', 1234],
  ['1.234', 1234],
  ['1,234', 1234],
  ['0.234', 0.234],
  ['0,234', 0.234],
  ['1234.567', 1234.567],
  ['1.5', 1.5],
  ['1,50', 1.5],
  ['.99', 0.99],
  ['from .5', 0.5],
  ['-5', -5],
  ['\u22125,5', -5.5],
  ['-$5.00', -5],
  ['$-5.00', -5],
  ['€ -3', -3],
  ['-PLN 3', -3],
  ['USD -3', -3],
  ['ABC-3', 3],
  ['–12 °C', -12],
  ['10-20', 10],
  ['10 - 20', 10],
  ['A-5', 5],
  ['12,-', 12],
  ['12,– €', 12],
  ['5.', 5],
  ['In stock (22 available)', 22],
  ['iPhone 15 256 GB', 15],
  ['£51.77', 51.77],
  ['£ 51.77', 51.77],
  ['Rs. 1,299', 1299],
  ['R$ 1.299,90', 1299.9],
  ['3 for 10', 3],
  ['-0', 0],
  ['007', 7],
  ['1.2.3', undefined],
  ['10,2,3', undefined],
  ['2024-01-05', 2024],
  ['', undefined],
  ['none', undefined],
  ['-', undefined],
]

test('numbers are read as people of many countries write them', () => {
  for (const [text, expected] of CASES) assert.equal(parseNumber(text), expected, JSON.stringify(text))
})

test('a number that Intl wrote with two decimals is read back in every locale of Western digits', () => {
  const locales = ['en-US', 'de-DE', 'fr-FR', 'pl-PL', 'de-CH', 'en-IN', 'pt-BR', 'es-ES', 'sv-SE', 'ja-JP']
  fc.assert(
    fc.property(
      fc.integer({ min: -99_999_999_999, max: 99_999_999_999 }),
      fc.constantFrom(...locales),
      fc.constantFrom('EUR', 'USD', 'PLN', 'GBP', undefined),
      (amount, locale, currency) => {
        // Swiss amounts of money below zero look like part numbers: EUR-0.01.
        const cents = locale === 'de-CH' && currency !== undefined ? Math.abs(amount) : amount
        const options: Intl.NumberFormatOptions = { minimumFractionDigits: 2, maximumFractionDigits: 2 }
        const written = new Intl.NumberFormat(
          locale,
          currency === undefined ? options : { ...options, style: 'currency', currency },
        ).format(cents / 100)
        assert.equal(parseNumber(written), cents / 100, written)
      },
    ),
  )
})

test('reading a number never throws, never gives NaN and takes time in proportion to the text', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(..."0123456789.,'- €$a\u00a0") }), (text) => {
      const value = parseNumber(text)
      assert.ok(value === undefined || Number.isFinite(value), `${text}: ${value}`)
    }),
  )
  assert.equal(parseNumber(`${'1.'.repeat(200_000)}x`), undefined)
  assert.equal(parseNumber(`${'a-'.repeat(200_000)}`), undefined)
  assert.equal(parseNumber('1'.repeat(400)), undefined)
})
