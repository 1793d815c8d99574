import { batch } from 'sluice'

let pulled = 0
async function* urls(): AsyncGenerator<string> {
  try {
    for (let n = 1; n <= 1_000_000; n++) {
      pulled++
      yield `http://${process.env['ORIGIN']}/p/${n}`
    }
  } finally {
    console.log('the generator was closed')
  }
}

const text = (url: string): Promise<string> => fetch(url).then((answer) => answer.text())
let read = 0
for await (const page of batch(urls(), text, { concurrency: 2 })) {
  if (page.outcome !== 'ok' || page.value !== 'a page') throw new Error(`${page.input} is not the page`)
  if (++read === 50) break
}
console.log(`${read} read, at most ${Math.max(4, pulled - read)} more taken from the generator`)
