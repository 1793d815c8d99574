/** Adding URLs to a job and editing what it leaves out: what would happen is counted before anything does. */
import { useState } from 'preact/hooks'
import { Command, shellWord } from './command.tsx'
import { complaint, frame, post } from './server.ts'
import { Complaint } from './table.tsx'
import { number, t } from './words.ts'

interface Preview {
  readonly admitted: number
  readonly known: number
  readonly repeated: number
  readonly refused: Readonly<Record<string, number>>
  readonly samples: readonly { readonly url: string; readonly reason: string }[]
}

interface Added {
  readonly added: number
  readonly duplicates: number
  readonly live: boolean
}

/** URLs of one request, within what the server takes. */
const SLICE = 400
const SLICE_CHARACTERS = 40_000

export function AddUrls() {
  const [isOpen, setOpen] = useState(false)
  const [text, setText] = useState('')
  const [preview, setPreview] = useState<Preview | undefined>(undefined)
  const [done, setDone] = useState<Added | undefined>(undefined)
  const urls = linesOf(text)
  const folder = shellWord(frame.value?.folder ?? '')
  const count = async (): Promise<void> => {
    setDone(undefined)
    let sum: Preview = { admitted: 0, known: 0, repeated: 0, refused: {}, samples: [] }
    for (const some of slicesOf(urls)) {
      const part = await post<Preview>('/api/add', { urls: some, dryRun: true })
      if (part === undefined) return
      const refused = { ...sum.refused }
      for (const [code, count] of Object.entries(part.refused)) refused[code] = (refused[code] ?? 0) + count
      sum = {
        admitted: sum.admitted + part.admitted,
        known: sum.known + part.known,
        repeated: sum.repeated + part.repeated,
        refused,
        samples: [...sum.samples, ...part.samples].slice(0, 5),
      }
    }
    setPreview(sum)
  }
  const add = async (): Promise<void> => {
    const sum = { added: 0, duplicates: 0, live: false }
    for (const some of slicesOf(urls)) {
      const part = await post<Added>('/api/add', { urls: some })
      if (part === undefined) return
      sum.added += part.added
      sum.duplicates += part.duplicates
      sum.live = part.live
    }
    setDone(sum)
    setPreview(undefined)
    setText('')
  }
  if (!isOpen) {
    return (
      <button type="button" data-control="add" onClick={() => setOpen(true)}>
        + {t('ui.addUrls')}
      </button>
    )
  }
  const refused = Object.entries(preview?.refused ?? {})
  return (
    <form
      class="panel"
      aria-label={t('ui.addUrls')}
      onSubmit={(event) => {
        event.preventDefault()
        void (preview === undefined ? count() : add())
      }}
    >
      <label>
        {t('ui.urlsOneALine')}
        <textarea
          name="urls"
          rows={4}
          spellcheck={false}
          value={text}
          onInput={(event) => {
            setText(event.currentTarget.value)
            setPreview(undefined)
          }}
        />
      </label>
      <label>
        {t('ui.orFile')}{' '}
        <input
          type="file"
          accept=".txt,text/plain"
          onChange={(event) => {
            void event.currentTarget.files?.[0]?.text().then((read) => {
              setText(read)
              setPreview(undefined)
            })
          }}
        />
      </label>
      <p role="status" data-preview={preview === undefined ? undefined : preview.admitted}>
        {preview === undefined
          ? ''
          : `${t('ui.wouldAdd', { count: preview.admitted })} ${t('ui.wouldSkip', {
              count: preview.known + preview.repeated,
            })} ${refused.map(([code, count]) => `${code} ${number(count)}`).join(', ')}`}
        {done === undefined
          ? ''
          : `${t('ui.added', { count: done.added })} ${done.live ? t('ui.setLive') : t('ui.setStored')}`}
      </p>
      {preview === undefined || preview.samples.length === 0 ? null : (
        <ul class="complaints">
          {preview.samples.map(({ url, reason }) => (
            <li key={url + reason}>
              <span class="url">{url}</span> <span class="quiet">{reason}</span>
            </li>
          ))}
        </ul>
      )}
      <Complaint reason={complaint.value} />
      <button type="submit" disabled={urls.length === 0} data-control={preview === undefined ? 'add-count' : 'add-yes'}>
        {preview === undefined ? t('ui.preview') : t('ui.addCount', { count: preview.admitted })}
      </button>{' '}
      <button type="button" onClick={() => setOpen(false)}>
        {t('ui.cancel')}
      </button>{' '}
      <Command text={`sluice add ${folder} ${urls.length === 1 ? shellWord(urls[0] as string) : '- < urls.txt'}`} />
    </form>
  )
}

interface Leaving {
  readonly urls: number
  readonly left: number
  readonly samples: readonly string[]
}

/** The list of patterns that are left out; how many URLs that wait would go is said first. */
export function Excludes({ excludes }: { readonly excludes: readonly string[] }) {
  const [text, setText] = useState(excludes.join('\n'))
  const [leaving, setLeaving] = useState<Leaving | undefined>(undefined)
  const [done, setDone] = useState('')
  const patterns = linesOf(text)
  const isSame = patterns.join('\n') === excludes.join('\n')
  return (
    <form
      class="statement"
      onSubmit={(event) => {
        event.preventDefault()
        setDone('')
        if (leaving === undefined) void post<Leaving>('/api/scope/preview', { exclude: patterns }).then(setLeaving)
        else {
          void post<{ live: boolean }>('/api/set', { name: 'exclude', value: patterns }).then((answer) => {
            if (answer !== undefined) setDone(answer.live ? t('ui.setLive') : t('ui.setStored'))
            setLeaving(undefined)
          })
        }
      }}
    >
      <label>
        {t('ui.excludes')}
        <textarea
          name="exclude"
          rows={3}
          spellcheck={false}
          value={text}
          onInput={(event) => {
            setText(event.currentTarget.value)
            setLeaving(undefined)
          }}
        />
      </label>
      <p role="status" data-leaving={leaving?.urls}>
        {leaving === undefined ? done : t('ui.leaving', { count: leaving.urls, left: leaving.left })}{' '}
        {leaving?.samples.map((url) => (
          <span class="url quiet" key={url}>
            {url}{' '}
          </span>
        ))}
      </p>
      <Complaint reason={complaint.value} />
      <button type="submit" disabled={isSame} data-control={leaving === undefined ? 'exclude-count' : 'exclude-yes'}>
        {leaving === undefined ? t('ui.preview') : t('ui.apply')}
      </button>{' '}
      <Command text={`sluice set ${shellWord(frame.value?.folder ?? '')} exclude=${shellWord(patterns.join(' '))}`} />
    </form>
  )
}

function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

function* slicesOf(urls: readonly string[]): Generator<readonly string[]> {
  let some: string[] = []
  let characters = 0
  for (const url of urls) {
    if (some.length >= SLICE || (some.length > 0 && characters + url.length > SLICE_CHARACTERS)) {
      yield some
      some = []
      characters = 0
    }
    some.push(url)
    characters += url.length
  }
  if (some.length > 0) yield some
}
