// Run it with: sluice run list.ts. Stop it as you like; the same line goes on.
import { defineConfig, polite } from 'sluice'
import type { Policy } from 'sluice'

const base = polite()
/** robots.txt, pauses and retries stay as they are; this adds a rule of your own. */
const policy: Policy = {
  ...base,
  admit(request) {
    if (request.url.endsWith('.zip')) return { do: 'skip', code: 'SCOPE_DENIED', reason: 'no archives' }
    return base.admit(request)
  },
}

export default defineConfig({
  lists: 'urls.txt',
  out: 'pages.ndjson',
  delay: '1s',
  policy,
  handlers: {
    '*': {
      // The answer has begun: it ends here, before its body.
      onHeaders: (_request, head) =>
        Number(head.header('content-length')) > 50_000_000 ? { cancel: 'larger than 50 MB' } : undefined,
      onDone: ({ url }, outcome) => console.error(outcome, url),
    },
  },
})
