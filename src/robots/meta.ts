/** Directives of `X-Robots-Tag` headers and `<meta name=robots>` contents. What to do about them is for the policy. */

/** Directives with a value after a colon, which is therefore no agent before one. */
const VALUED = new Set(['max-snippet', 'max-image-preview', 'max-video-preview', 'unavailable_after'])

/**
 * Directives that hold for the agent, in lower case, each once, in order: `noindex`, `nofollow`, `max-snippet:20` …
 * An `agent:` in front (headers only) makes what follows it, up to the next one, hold for that agent alone.
 *
 * @param value One header value, or several joined by commas; or the `content` of a meta element.
 * @param agent Product token; case does not matter.
 */
export function parseRobotsDirectives(value: string, agent: string): string[] {
  const token = agent.split('/', 1)[0]!.trim().toLowerCase()
  const directives = new Set<string>()
  let applies = true
  for (const part of value.toLowerCase().split(',')) {
    let directive = part.trim()
    const prefix = /^([a-z0-9_.-]+|\*)\s*:/.exec(directive)
    if (prefix !== null && !VALUED.has(prefix[1]!)) {
      applies = prefix[1] === token || prefix[1] === '*' || prefix[1] === 'robots'
      directive = directive.slice(prefix[0].length).trim()
    }
    if (applies && directive !== '') directives.add(directive.replace(/\s*:\s*/, ':'))
  }
  return [...directives]
}
