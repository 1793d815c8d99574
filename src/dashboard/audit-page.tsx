/** Log of control actions: who steered the job, when, with what, and what came of it. */
import { Table } from './table.tsx'
import type { Page } from './types.ts'
import { t, time } from './words.ts'

interface Entry {
  readonly t: string
  readonly user: string
  /** Name of the key, where there are several. */
  readonly who?: string
  readonly by: string
  readonly action: string
  readonly details?: Readonly<Record<string, unknown>>
  readonly why?: string
  readonly result: string
}

export function AuditPage() {
  return (
    <Table<Entry, Page<Entry>>
      path="/api/audit"
      caption={t('ui.audit')}
      keyOf={(row) => row.t + row.action + JSON.stringify(row.details)}
      columns={[
        { title: t('ui.time'), sort: 't', cell: (row) => <span class="line">{time(row.t)}</span> },
        { title: t('ui.action'), sort: 'action', cell: ({ action }) => action },
        {
          title: t('ui.details'),
          cell: ({ details = {}, why }) => (
            <span class="value">
              {Object.entries(details)
                .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
                .join(', ')}
              {why === undefined ? '' : ` – ${why}`}
            </span>
          ),
        },
        { title: t('ui.user'), sort: 'user', cell: ({ user, who }) => who ?? user },
        { title: t('ui.through'), sort: 'by', cell: ({ by }) => by },
        { title: t('ui.result'), sort: 'result', cell: ({ result }) => result },
      ]}
    />
  )
}
