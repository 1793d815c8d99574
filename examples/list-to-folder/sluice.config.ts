import { defineConfig } from 'sluice'

export default defineConfig({
  kind: 'fetch',
  lists: ['urls.txt'],
  out: 'data/',
  maxSize: '20MB',
  failIf: 'failed > 5%',
})
