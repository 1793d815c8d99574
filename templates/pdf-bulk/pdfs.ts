// Run it with: sluice run pdfs.ts. Again it asks only whether the files are still the same.
import { defineConfig } from 'sluice'

export default defineConfig({
  lists: 'urls.txt',
  // A file has its name once it is whole.
  out: 'files/{name}{ext}',
  ifChanged: true,
  // Four at a time with no pause: for your own shelf. Leave these three out for anybody else's.
  concurrency: 4,
  perHost: 4,
  delay: 0,
})
