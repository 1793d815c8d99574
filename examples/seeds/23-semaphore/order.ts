import { batch } from 'sluice'

async function get(url: string): Promise<string> {
  const answer = await fetch(url)
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`)
  return answer.text()
}

for (const [name, concurrency] of [
  ['one', 1],
  ['four', 4],
] as const) {
  const urls = [1, 2, 3, 4].map((n) => `http://${process.env['ORIGIN']}/ok?${name}-${n}`)
  const started = performance.now()
  const done: string[] = []
  for await (const { input, outcome } of batch(urls, get, { concurrency })) {
    done.push(`${input.slice(input.indexOf('?') + 1)} ${outcome}`)
  }
  console.error(`concurrency ${concurrency}: ${Math.round(performance.now() - started)} ms`)
  // With one at a time they end in the order of the list.
  console.log((concurrency === 1 ? done : done.toSorted()).join('\n'))
}
