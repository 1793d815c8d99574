import { defineExtractor } from 'sluice'

export default defineExtractor({ extract: (page) => [{ title: page.title }] })
