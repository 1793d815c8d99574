/** Pages and modules for the tests of extractors. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { FollowedLink, PageInput } from '../../src/extract/extraction.ts'
import { ExtractPage } from '../../src/extract/page.ts'

export function input(body: string | Uint8Array, more: Partial<PageInput> = {}): PageInput {
  return {
    id: '00000000000000ff',
    url: 'https://shop.example/c/1',
    final: 'https://shop.example/c/1',
    status: 200,
    rawHeaders: ['Content-Type', 'text/html', 'X-Two', 'a', 'x-two', 'b'],
    contentType: 'text/html',
    charset: 'utf-8',
    body: typeof body === 'string' ? new TextEncoder().encode(body) : body,
    file: undefined,
    depth: 1,
    label: undefined,
    input: undefined,
    ...more,
  }
}

export function pageOf(
  body: string | Uint8Array,
  more: Partial<PageInput> = {},
): { page: ExtractPage; links: FollowedLink[] } {
  const links: FollowedLink[] = []
  return { page: new ExtractPage(input(body, more), links), links }
}

/** Writes modules into a folder of the test's own; gives their paths. */
export function modules(t: TestContext): (name: string, text: string) => string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-extract-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return (name, text) => {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }
}
