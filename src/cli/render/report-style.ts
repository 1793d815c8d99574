/** The style sheet of a report: light and dark on a screen, black on white on paper. */
export const REPORT_STYLE = `
:root { color-scheme: light dark; --ground: #fff; --ink: #16202a; --ink-2: #51606d; --line: #d6dce1; --ok: #2b8a3e;
  --unchanged: #74b816; --gone: #7048a8; --denied: #b35c00; --failed: #c92a2a; --skipped: #868e96; --left: #dde2e6;
  font: 15px/1.5 system-ui, "Noto Sans", "Noto Sans CJK SC", "Noto Sans CJK KR", sans-serif }
@media (prefers-color-scheme: dark) { :root { --ground: #11171c; --ink: #e8edf1; --ink-2: #a3b1bc; --line: #33404a;
  --ok: #51cf66; --unchanged: #a9e34b; --gone: #b197fc; --denied: #ffa94d; --failed: #ff6b6b; --skipped: #909aa3; --left: #33404a } }
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--ink) }
main { max-width: 980px; margin: 0 auto; padding: 16px 24px 48px }
.brand, header p, .axis { color: var(--ink-2); margin: 0 }
h1 { margin: 0; font-size: 28px; overflow-wrap: anywhere }
h2 { font-size: 18px; margin: 28px 0 8px }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(140px, 1fr)); gap: 12px; margin: 20px 0 0 }
.cards div { border: 1px solid var(--line); border-radius: 8px; padding: 8px 14px }
dt { color: var(--ink-2); font-size: 13px }
dd { margin: 0; font-size: 20px; font-variant-numeric: tabular-nums }
svg { display: block; width: 100% }
.bar { height: 24px; border-radius: 6px; background: var(--left) }
.plot { height: 200px; border-bottom: 1px solid var(--line) }
.axis { display: flex; justify-content: space-between; font-size: 13px }
.ok { fill: var(--ok) } .unchanged { fill: var(--unchanged) } .gone { fill: var(--gone) } .denied { fill: var(--denied) }
.failed { fill: var(--failed) } .skipped { fill: var(--skipped) } .left { fill: var(--left) }
.legend { list-style: none; margin: 8px 0; padding: 0; display: flex; flex-wrap: wrap; gap: 4px 20px }
.dot { display: inline-block; width: 10px; height: 10px; border-radius: 3px }
.dot.ok { background: var(--ok) } .dot.unchanged { background: var(--unchanged) } .dot.gone { background: var(--gone) }
.dot.denied { background: var(--denied) } .dot.failed { background: var(--failed) } .dot.skipped { background: var(--skipped) }
.dot.left { background: var(--left) }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(280px, 1fr)); gap: 0 32px }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: 4px 10px 4px 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere }
thead th { color: var(--ink-2); font-weight: 600; white-space: nowrap }
tbody th { font-weight: 400 }
.figure { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
@page { margin: 15mm }
@media print {
  :root { color-scheme: light; --ground: #fff; --ink: #000; --ink-2: #444; --line: #bbb; font-size: 10pt }
  main { max-width: none; padding: 0 }
  .scroll { overflow: visible }
  thead { display: table-header-group }
  tr, .cards div, svg { break-inside: avoid }
  h2 { break-after: avoid }
  rect, .dot, .bar { -webkit-print-color-adjust: exact; print-color-adjust: exact }
}
`
