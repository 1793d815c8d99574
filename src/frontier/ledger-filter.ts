/** Whether a row is what a scan asked for. */
import type { LedgerRow, ScanQuery } from './frontier.ts'

export function matches(query: ScanQuery, row: LedgerRow): boolean {
  const { outcome, code, status, key, url, since } = query
  const { record } = row
  if (key !== undefined && row.key !== key) return false
  if (url !== undefined && row.url !== url) return false
  if (outcome !== undefined && record?.outcome !== outcome) return false
  if (code !== undefined && (record?.code ?? row.code) !== code) return false
  if (since !== undefined && !(record !== undefined && Date.parse(record.t) >= since)) return false
  if (status === undefined) return true
  const range = statusRange(status)
  return record?.status !== undefined && record.status >= range.from && record.status <= range.to
}

/** `503`, or `5xx` for a class. */
export function statusRange(status: string): { readonly from: number; readonly to: number } {
  if (/^\dxx$/i.test(status)) {
    const from = Number(status[0]) * 100
    return { from, to: from + 99 }
  }
  return { from: Number(status), to: Number(status) }
}
