/**
 * Matches a text against one glob in time linear in the text, whatever the glob: no backtracking, so no pattern of a
 * user and no URL of a site can stall the crawl. Knows nothing of URLs.
 */

const SLASH = 47

/** Tokens of the part between the literal ends: character codes, or one of these. */
const ANY_ONE = -1
const ANY_RUN = -2
const ANY_SEGMENT_RUN = -3

/**
 * `*` is any run without `/`, `**` any run, `?` any one character; all else is itself. The glob covers the whole text.
 */
export function compileGlob(glob: string): (text: string) => boolean {
  const first = glob.search(/[*?]/)
  if (first < 0) return (text) => text === glob
  const last = Math.max(glob.lastIndexOf('*'), glob.lastIndexOf('?'))
  const head = glob.slice(0, first)
  const tail = glob.slice(last + 1)
  const ends = head.length + tail.length
  const middle = tokensOf(glob.slice(first, last + 1))
  const only = middle.length === 1 ? middle[0] : undefined
  const matchMiddle = only === ANY_RUN ? undefined : only === ANY_SEGMENT_RUN ? hasNoSlash : automaton(middle)
  return (text) =>
    text.length >= ends &&
    text.startsWith(head) &&
    text.endsWith(tail) &&
    (matchMiddle === undefined || matchMiddle(text, head.length, text.length - tail.length))
}

function hasNoSlash(text: string, from: number, to: number): boolean {
  const slash = text.indexOf('/', from)
  return slash < 0 || slash >= to
}

function tokensOf(glob: string): readonly number[] {
  const tokens: number[] = []
  for (let i = 0; i < glob.length; i++) {
    const character = glob.charAt(i)
    if (character === '?') tokens.push(ANY_ONE)
    else if (character !== '*') tokens.push(glob.charCodeAt(i))
    else {
      let run = i
      while (glob.charAt(run + 1) === '*') run++
      tokens.push(run > i ? ANY_RUN : ANY_SEGMENT_RUN)
      i = run
    }
  }
  return tokens
}

/**
 * All positions in the glob that the text read so far may stand at, stepped together: text length x glob length at
 * worst.
 */
function automaton(tokens: readonly number[]): (text: string, from: number, to: number) => boolean {
  const size = tokens.length
  const codes = Int32Array.from(tokens)
  let now = new Uint8Array(size + 1)
  let next = new Uint8Array(size + 1)
  return (text, from, to) => {
    now.fill(0)
    now[0] = 1
    for (let at = from; at < to; at++) {
      const code = text.charCodeAt(at)
      next.fill(0)
      let alive = false
      for (let i = 0; i < size; i++) {
        if (now[i] === 0) continue
        const token = codes[i]!
        if (token === ANY_RUN || token === ANY_SEGMENT_RUN) {
          // A run may end before this character: the position after it is reached for free, within this same pass.
          now[i + 1] = 1
          if (token === ANY_RUN || code !== SLASH) {
            next[i] = 1
            alive = true
          }
        } else if (token === ANY_ONE || token === code) {
          next[i + 1] = 1
          alive = true
        }
      }
      if (!alive) return false
      const swap = now
      now = next
      next = swap
    }
    for (let i = 0; i < size; i++) if (now[i] === 1 && codes[i]! < ANY_ONE) now[i + 1] = 1
    return now[size] === 1
  }
}
