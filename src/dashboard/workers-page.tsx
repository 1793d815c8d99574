/** Workers: the process of the job, its extractor threads, and the pages that were set aside for what they did to one. */
import { useEffect, useState } from 'preact/hooks'
import { link } from './place.ts'
import { frame, get } from './server.ts'
import { Complaint } from './table.tsx'
import { duration, number, shortBytes, t } from './words.ts'

interface Workers {
  readonly owner: {
    readonly pid: number
    readonly uptimeMs: number
    readonly rssBytes: number
    readonly heapBytes: number
    readonly cpuMs: number
    readonly loopDelay: { readonly p50Ms: number; readonly p99Ms: number; readonly maxMs: number }
    readonly sockets: number
    readonly inFlight: number
    readonly extracting: number
    readonly threads: readonly {
      readonly pages: number
      readonly busy: number
      readonly restarts: number
      readonly memoryBytes: number | null
      readonly stuckMs: number
    }[]
  } | null
  readonly setAside: readonly {
    readonly code: string
    readonly urls: number
    readonly pages: readonly { readonly url: string; readonly message: string }[]
  }[]
  readonly viewer: { readonly rssBytes: number; readonly heapBytes: number }
}

const LOOK_MS = 2000

export function WorkersPage() {
  const [workers, setWorkers] = useState<Workers | undefined>(undefined)
  const [reason, setReason] = useState('')
  const seq = frame.value?.seq
  useEffect(() => {
    const aborter = new AbortController()
    const ask = (): void => {
      get<Workers>('/api/workers', aborter.signal).then(setWorkers, (error: Error) => {
        if (!aborter.signal.aborted) setReason(error.message)
      })
    }
    ask()
    const timer = setInterval(ask, LOOK_MS)
    return () => {
      clearInterval(timer)
      aborter.abort()
    }
  }, [seq])
  if (workers === undefined)
    return reason === '' ? <p class="empty">{t('ui.loading')}</p> : <Complaint reason={reason} />
  const { owner, setAside, viewer } = workers
  return (
    <>
      {owner === null ? <p class="empty">{t('ui.noProcess')}</p> : <Process owner={owner} />}
      <h2>{t('ui.setAside')}</h2>
      {setAside.length === 0 ? <p class="empty">{t('ui.noneSetAside')}</p> : null}
      {setAside.map(({ code, urls, pages }) => (
        <section key={code}>
          <h3>
            <a {...link(`/urls?code=${code}`)}>{code}</a> <b data-aside={code}>{number(urls)}</b>
          </h3>
          <ul class="complaints">
            {pages.map(({ url, message }) => (
              <li key={url}>
                <a class="url" {...link(`/url?url=${encodeURIComponent(url)}`)}>
                  {url}
                </a>
                <br />
                <span class="quiet">{message.split('\n', 1)[0]}</span>
              </li>
            ))}
          </ul>
        </section>
      ))}
      <p class="quiet">{t('ui.viewerMemory', { memory: shortBytes(viewer.rssBytes) })}</p>
    </>
  )
}

function Process({ owner }: { readonly owner: NonNullable<Workers['owner']> }) {
  const { loopDelay, threads } = owner
  return (
    <>
      <dl class="cards">
        <Figure name="pid" label={t('ui.process')} value={String(owner.pid)} />
        <Figure name="uptime" label={t('ui.runsFor')} value={duration(owner.uptimeMs)} />
        <Figure name="rss" label={t('ui.memory')} value={shortBytes(owner.rssBytes)} />
        <Figure name="heap" label={t('ui.heap')} value={shortBytes(owner.heapBytes)} />
        <Figure name="cpu" label={t('ui.cpu')} value={duration(owner.cpuMs)} />
        <Figure
          name="loop"
          label={t('ui.loopDelay')}
          value={`${number(loopDelay.p50Ms)} / ${number(loopDelay.p99Ms)} / ${number(loopDelay.maxMs)} ms`}
        />
        <Figure name="sockets" label={t('ui.sockets')} value={number(owner.sockets)} />
        <Figure name="flying" label={t('ui.inFlight')} value={number(owner.inFlight)} />
        <Figure name="extracting" label={t('ui.extracting')} value={number(owner.extracting)} />
      </dl>
      {threads.length === 0 ? null : (
        <>
          <h2>{t('ui.threads')}</h2>
          <div class="scroll" tabIndex={0} role="region" aria-label={t('ui.threads')}>
            <table>
              <thead>
                <tr>
                  <th scope="col" class="figure">
                    #
                  </th>
                  <th scope="col" class="figure">
                    {t('ui.pagesExtracted')}
                  </th>
                  <th scope="col" class="figure">
                    {t('ui.inHand')}
                  </th>
                  <th scope="col" class="figure">
                    {t('ui.restarts')}
                  </th>
                  <th scope="col" class="figure">
                    {t('ui.memory')}
                  </th>
                  <th scope="col" class="figure">
                    {t('ui.atPageFor')}
                  </th>
                </tr>
              </thead>
              <tbody>
                {threads.map(({ pages, busy, restarts, memoryBytes, stuckMs }, i) => (
                  <tr key={i} data-thread={i}>
                    <td class="figure">{i + 1}</td>
                    <td class="figure">{number(pages)}</td>
                    <td class="figure">{number(busy)}</td>
                    <td class="figure">{number(restarts)}</td>
                    <td class="figure">{memoryBytes === null ? '–' : shortBytes(memoryBytes)}</td>
                    <td class="figure">{stuckMs === 0 ? '–' : duration(stuckMs)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </>
      )}
    </>
  )
}

function Figure({ name, label, value }: { readonly name: string; readonly label: string; readonly value: string }) {
  return (
    <div class="card">
      <dt>{label}</dt>
      <dd data-figure={name}>{value}</dd>
    </div>
  )
}
