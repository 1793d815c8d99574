import { test } from 'node:test'
import { surviveKills } from '../sink/warc-kills.ts'

test('web archive: after 20 kill -9 each committed page is there once, whole and found by its URL', () =>
  surviveKills(20, 14))
