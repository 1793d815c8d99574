/**
 * R10: a campaign over a thousand rows by POST, killed twice. The report has a line for every row with all its columns,
 * and the target saw nobody contacted twice, until the user asks for it.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'csv-parse/sync'
import { startOrigin } from '../../src/testing/origin.ts'
import type { Origin } from '../../src/testing/origin.ts'
import type { Contact } from '../../src/testing/origin/campaign.ts'
import { inFolder, runCli } from '../cli/run-cli.ts'
import { fast } from '../integration/web.ts'
import { assertBalanced, instants, killSluice } from './outputs.ts'

const ROWS = 1000
const BODY = '{"para":"{telefone}","texto":"Olá {nome}"}'

interface Person {
  readonly nome: string
  readonly telefone: string
  readonly cpf: string
}

/** The 500th has no telephone; every hundredth is one the target cannot take. */
const PEOPLE: readonly Person[] = Array.from({ length: ROWS }, (_, n) => ({
  nome: n % 100 === 7 ? `Recusado ${n}` : `José "Zé" ${n}`,
  telefone: n === 500 ? '' : `011${String(n).padStart(6, '0')}`,
  cpf: String(n).padStart(11, '0'),
}))

function latin1Csv(): Buffer {
  const rows = PEOPLE.map(({ nome, telefone, cpf }) => `"${nome.replaceAll('"', '""')}";${telefone};${cpf}\r\n`)
  return Buffer.from(`nome;telefone;cpf\r\n${rows.join('')}`, 'latin1')
}

async function contactsOf(origin: Origin): Promise<Contact[]> {
  const answer = await fetch(origin.directUrl('/campaign'))
  const text = (await answer.text()).trimEnd()
  return text.split('\n').map((line) => JSON.parse(line) as Contact)
}

type ReportRow = Person & { readonly outcome: string; readonly code: string; readonly line: string }

async function reportOf(cwd: string): Promise<ReportRow[]> {
  const { code, stdout, stderr } = await runCli(['export', 'people', '--format', 'csv'], { cwd })
  assert.equal(code, 0, stderr)
  const rows = parse(stdout, { columns: true }) as ReportRow[]
  return rows.toSorted((a, b) => Number(a.line) - Number(b.line))
}

test('a campaign killed twice contacts nobody twice and reports every row', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'people.csv'), latin1Csv())
    const args = ['--rows', 'people.csv', '--template', 'http://a.test/campaign?fail=Recusado', '--data', BODY]
    const kills = instants(2, ROWS, 10)
    const report = await killSluice(['fetch', ...args, '-o', 'pages.csv', ...fast(origin, 8)], {
      cwd,
      maxKills: 2,
      kill: { event: (run) => origin.until(kills[run - 1] as number, 'a.test') },
    })
    assert.equal(report.kills, 2)
    assert.equal(report.exitCode, 3, report.stderr)
    assertBalanced(cwd, 'people', ROWS)

    const rows = await reportOf(cwd)
    assert.deepEqual(
      rows.map(({ nome, telefone, cpf }) => ({ nome, telefone, cpf })),
      PEOPLE,
    )
    const counts: Record<string, number> = {}
    for (const { outcome, code } of rows) counts[`${outcome} ${code}`] = (counts[`${outcome} ${code}`] ?? 0) + 1
    const unknown = counts['failed DELIVERY_UNKNOWN'] ?? 0
    const refused = counts['failed HTTP_STATUS'] ?? 0
    assert.ok(unknown > 0, 'what was in flight at a kill is said to be unknown')
    assert.deepEqual(counts, {
      'ok ': ROWS - 1 - refused - unknown,
      'skipped ROW_INCOMPLETE': 1,
      'failed HTTP_STATUS': refused,
      'failed DELIVERY_UNKNOWN': unknown,
    })

    // The file of the run itself has the columns of the input as columns of its own, too.
    const pages = parse(readFileSync(join(cwd, 'pages.csv')), { columns: true }) as Record<string, string>[]
    assert.deepEqual(
      pages.map((row) => row['input.cpf']).toSorted(),
      PEOPLE.map(({ cpf }) => cpf),
    )
    assert.ok(pages.every((row) => row['input'] === ''))

    const sent = timesSent(await contactsOf(origin))
    const bodyOf = ({ nome, telefone }: Person): string => JSON.stringify({ para: telefone, texto: `Olá ${nome}` })
    for (const row of rows) {
      const times = sent.get(bodyOf(row)) ?? 0
      if (row.code === 'DELIVERY_UNKNOWN') assert.ok(times <= 1, row.nome)
      else assert.equal(times, row.outcome === 'skipped' ? 0 : 1, `${row.nome} ${row.outcome}`)
    }

    // Trying again what failed leaves alone what was delivered, or may have been.
    const again = await runCli(['retry', 'people', '--yes', ...fast(origin, 8)], { cwd })
    assert.equal(again.code, 0, again.stderr)
    assert.match(again.stderr, new RegExp(`${unknown + refused} more are left alone .*--retry-unsafe`))
    assert.deepEqual(timesSent(await contactsOf(origin)), sent)

    const asked = await runCli(['retry', 'people', '--yes', '--retry-unsafe', '--retries', '0', ...fast(origin, 8)], {
      cwd,
    })
    assert.equal(asked.code, 3, asked.stderr)
    const contacts = await contactsOf(origin)
    const after = timesSent(contacts)
    for (const row of rows) {
      const before = sent.get(bodyOf(row)) ?? 0
      assert.equal(after.get(bodyOf(row)) ?? 0, before + (row.outcome === 'failed' ? 1 : 0), row.nome)
    }
    assert.equal(new Set(contacts.map(({ key }) => key)).size, after.size, 'a repetition has the key of the first')
    const outcomes = (await reportOf(cwd)).filter(({ outcome }) => outcome === 'failed')
    assert.ok(outcomes.every(({ nome, code }) => nome.startsWith('Recusado') && code === 'HTTP_STATUS'))
    assert.equal(outcomes.length, ROWS / 100)
  })
})

function timesSent(contacts: readonly Contact[]): Map<string, number> {
  const times = new Map<string, number>()
  for (const { body } of contacts) times.set(body, (times.get(body) ?? 0) + 1)
  return times
}
