import { fetchAll } from 'sluice'

for await (const page of fetchAll(process.argv.slice(2))) {
  if (page.outcome === 'ok') {
    const text = await page.response.text()
    console.log(`${page.url}: ${text.length} characters, "${page.record.title ?? ''}"`)
  } else {
    console.log(`${page.url}: ${page.outcome} ${page.record.code ?? page.record.status ?? ''}`.trimEnd())
  }
}
