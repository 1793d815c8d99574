import { defineExtractor } from 'sluice'
import type { ExtractPage } from 'sluice'

function titleOf(page: ExtractPage): string | undefined {
  if (page.url.endsWith('/13/13')) throw new Error('no luck on this page')
  return page.title
}

export default defineExtractor({ match: '/market/*/*', extract: (page) => [{ title: titleOf(page) }] })
