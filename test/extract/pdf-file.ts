/** PDF files with an information dictionary and an outline, written as plainly as the format allows. */

export interface Bookmark {
  readonly title: string
  /** 1 for the first page. */
  readonly page: number
  readonly items: readonly Bookmark[]
}

export interface PdfParts {
  readonly info: Readonly<Record<string, string>>
  /** A line of text for each page. */
  readonly pages: readonly string[]
  readonly outline: readonly Bookmark[]
}

export function pdfOf({ info, pages, outline }: PdfParts): Uint8Array {
  const objects: string[] = []
  const make = (): number => objects.push('')
  const put = (number: number, text: string): void => void (objects[number - 1] = text)
  const [catalog, tree, font, outlines] = [make(), make(), make(), make()] as const
  const leaves = pages.map((text) => {
    const [leaf, content] = [make(), make()] as const
    const stream = `BT /F1 12 Tf 20 100 Td (${text}) Tj ET`
    put(leaf, `<< /Type /Page /Parent ${tree} 0 R /Contents ${content} 0 R >>`)
    put(content, `<< /Length ${stream.length} >>\nstream\n${stream}\nendstream`)
    return leaf
  })
  /** Gives the numbers of the first and the last. */
  const write = (items: readonly Bookmark[], parent: number): string => {
    const numbers = items.map(() => make())
    items.forEach((item, i) => {
      const links = [
        i > 0 ? `/Prev ${numbers[i - 1]} 0 R` : '',
        i < items.length - 1 ? `/Next ${numbers[i + 1]} 0 R` : '',
        item.items.length > 0 ? write(item.items, numbers[i]!) : '',
      ]
      const target = `/Dest [${leaves[item.page - 1]} 0 R /Fit]`
      put(numbers[i]!, `<< /Title (${item.title}) /Parent ${parent} 0 R ${target} ${links.join(' ')} >>`)
    })
    return `/First ${numbers[0]} 0 R /Last ${numbers.at(-1)} 0 R /Count ${items.length}`
  }
  put(catalog, `<< /Type /Catalog /Pages ${tree} 0 R /Outlines ${outlines} 0 R >>`)
  const kids = leaves.map((leaf) => `${leaf} 0 R`).join(' ')
  const resources = `/Resources << /Font << /F1 ${font} 0 R >> >> /MediaBox [0 0 300 200]`
  put(tree, `<< /Type /Pages /Kids [${kids}] /Count ${pages.length} ${resources} >>`)
  put(font, '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>')
  put(outlines, `<< /Type /Outlines ${write(outline, outlines)} >>`)
  const dictionary = make()
  const entries = Object.entries(info).map(([name, value]) => `/${name} (${value})`)
  put(dictionary, `<< ${entries.join(' ')} >>`)

  let file = '%PDF-1.4\n'
  const offsets = objects.map((text, i) => {
    const offset = file.length
    file += `${i + 1} 0 obj\n${text}\nendobj\n`
    return offset
  })
  const start = file.length
  file += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n`
  for (const offset of offsets) file += `${String(offset).padStart(10, '0')} 00000 n \n`
  file += `trailer << /Size ${objects.length + 1} /Root ${catalog} 0 R /Info ${dictionary} 0 R >>\nstartxref\n${start}\n%%EOF\n`
  return new Uint8Array(Buffer.from(file, 'latin1'))
}
