/** SQL over what the job has stored. The statement is part of the address, so that a question can be kept. */
import { useEffect, useState } from 'preact/hooks'
import { Command } from './command.tsx'
import { filter, filters } from './place.ts'
import { complaint, frame, post } from './server.ts'
import type { SqlAnswer } from './types.ts'
import { t } from './words.ts'

const EXAMPLE = 'SELECT outcome, status, count(*) AS urls FROM pages GROUP BY outcome, status ORDER BY urls DESC'

export function SqlPage() {
  const kept = filters.value.get('sql') ?? EXAMPLE
  const [sql, setSql] = useState(kept)
  const [answer, setAnswer] = useState<SqlAnswer | undefined>(undefined)
  useEffect(() => {
    post<SqlAnswer>('/api/query', { sql: kept }).then(setAnswer, () => setAnswer(undefined))
  }, [kept])
  return (
    <>
      <form
        class="statement"
        onSubmit={(event) => {
          event.preventDefault()
          if (sql !== kept) filter({ sql })
          else void post<SqlAnswer>('/api/query', { sql }).then(setAnswer)
        }}
      >
        <label>
          {t('ui.statement')}
          <textarea
            name="sql"
            rows={4}
            spellcheck={false}
            value={sql}
            aria-describedby="tables"
            onInput={(event) => setSql(event.currentTarget.value)}
          />
        </label>
        <p class="quiet" id="tables">
          {t('ui.tablesHint')}
        </p>
        <button type="submit">{t('ui.run')}</button>
        <Command text={`sluice query ${frame.value?.folder ?? ''} "${kept.replaceAll(/["$`\\]/g, '\\$&')}"`} />
      </form>
      {complaint.value === '' ? null : (
        <p class="complaint" role="alert">
          {complaint.value}
        </p>
      )}
      {answer === undefined ? null : <Rows answer={answer} />}
    </>
  )
}

function Rows({ answer: { columns, rows, more } }: { readonly answer: SqlAnswer }) {
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label={t('ui.sql')}>
        <table>
          <thead>
            <tr>
              {columns.map((name) => (
                <th scope="col" key={name}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, i) => (
              <tr key={i}>
                {row.map((cell, n) => (
                  <td key={columns[n]} class={typeof cell === 'number' ? 'figure' : undefined}>
                    {cell === null ? <span class="quiet">NULL</span> : String(cell)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rows.length === 0 ? <p class="empty">{t('ui.nothing')}</p> : null}
      {more ? <p class="quiet">{t('ui.moreRows', { count: rows.length })}</p> : null}
    </>
  )
}
