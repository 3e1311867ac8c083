/**
 * The page's style sheet. Colours are Okabe and Ito's palette (Color Universal Design), lightened
 * for dark backgrounds where contrast needs it; dashes and places tell the same apart without
 * colour.
 */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f6f7f8; --card: #fff; --ink: #1b1f24; --quiet: #59636e; --rule: #e1e4e8;
  --shade: #0002; --track: #e6e9ed; --lost: #f6d5c4; --good: #00694c; --bad: #a84300;
  --measured: #0072b2; --bound: #59636e; --serial: #d55e00; --all: #b0528a; --other: #00805d;
  --up: #e69f00; --peer: #0072b2; --in: #56b4e9;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #0f1216; --card: #181c22; --ink: #e6e9ed; --quiet: #a0a9b4; --rule: #2c323a;
    --shade: #0009; --track: #2a3038; --lost: #55301f; --good: #4cc79f; --bad: #ff9a5c;
    --measured: #56b4e9; --bound: #a0a9b4; --serial: #f0803c; --all: #d993b8; --other: #35b98e;
    --up: #e69f00; --peer: #2f8fd0; --in: #8fd0f5;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 24px 20px 48px; max-width: 1160px; color: var(--ink);
  background: var(--page);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif;
}
h1 { margin: 0; font-size: 24px; line-height: 1.25; overflow-wrap: anywhere; }
h2 { margin: 0 0 12px; font-size: 17px; }
header p { margin: 4px 0 0; color: var(--quiet); }
.verdict { font-weight: 600; }
.verdict.good { color: var(--good); }
.verdict.bad { color: var(--bad); }
section {
  margin-top: 20px; padding: 18px 20px; border: 1px solid var(--rule); border-radius: 8px;
  background: var(--card);
}
.note { margin: 0 0 14px; color: var(--quiet); max-width: 78ch; }
.tiles {
  display: grid; gap: 12px; margin: 20px 0 0; grid-template-columns: repeat(3, 1fr);
}
.tiles > div {
  padding: 12px 16px; border: 1px solid var(--rule); border-radius: 8px; background: var(--card);
}
.tiles dt { color: var(--quiet); font-size: 13px; }
.tiles dd { margin: 0; font-size: 23px; font-weight: 600; line-height: 1.3; }
.tiles dd small { display: block; color: var(--quiet); font-size: 13px; font-weight: 400; }
figure { margin: 0; }
figcaption { margin: 26px 0 16px; color: var(--quiet); font-size: 12px; text-align: center; }
.legend {
  display: flex; flex-wrap: wrap; gap: 2px 22px; margin: 0 0 14px; padding: 0; list-style: none;
  font-size: 13px;
}
.legend output { font-weight: 600; font-variant-numeric: tabular-nums; }
.legend .moment { color: var(--quiet); }
.key { width: 30px; height: 10px; margin-right: 4px; vertical-align: 0; }
.swatch {
  display: inline-block; width: 18px; height: 10px; margin-right: 6px; border-radius: 2px;
}
svg { display: block; overflow: visible; }
.legend svg { display: inline-block; overflow: hidden; }
.plot { height: 320px; margin: 0 14px 0 48px; touch-action: pan-y; }
.grid { stroke: var(--rule); shape-rendering: crispEdges; }
.tick, .row-label { fill: var(--quiet); font-size: 12px; }
.row-label { font-size: 11px; }
path { fill: none; vector-effect: non-scaling-stroke; stroke-linejoin: round; }
.c0 { stroke: var(--measured); stroke-width: 3; }
.c1 { stroke: var(--bound); stroke-width: 1.5; stroke-dasharray: 2 3; }
.c2 { stroke: var(--serial); stroke-width: 1.5; stroke-dasharray: 8 4; }
.c3 { stroke: var(--all); stroke-width: 1.5; stroke-dasharray: 8 3 2 3; }
.c4 { stroke: var(--other); stroke-width: 1.5; stroke-dasharray: 4 2; }
.marker { fill: var(--card); stroke: var(--measured); stroke-width: 2.5; }
.marker-label {
  fill: var(--ink); font-size: 13px; font-weight: 600; stroke: var(--card); stroke-width: 4;
  paint-order: stroke; stroke-linejoin: round;
}
.cursor { stroke: var(--quiet); }
.timeline { max-height: 712px; padding: 0 14px 8px 96px; overflow: hidden auto; }
.axis { position: sticky; top: 0; background: var(--card); }
.track { fill: var(--track); }
.track.lost, .swatch.lost { fill: var(--lost); background: var(--lost); }
.up { fill: var(--up); background: var(--up); }
.peer { fill: var(--peer); background: var(--peer); }
.in { fill: var(--in); background: var(--in); }
.failed { fill: var(--card); stroke: var(--bad); stroke-width: 1.5; stroke-dasharray: 3 2; }
.swatch.failed { border: 1.5px dashed var(--bad); }
.swatch.track { background: var(--track); }
.release { stroke: var(--ink); stroke-width: 2; shape-rendering: crispEdges; }
.swatch.release { width: 2px; height: 12px; background: var(--ink); vertical-align: -1px; }
.timeline + figcaption { margin: 10px 0 0; }
.table {
  max-height: 440px; overflow: auto;
  background:
    linear-gradient(transparent, var(--card) 60%) bottom / 100% 28px no-repeat local,
    linear-gradient(transparent, var(--shade)) bottom / 100% 10px no-repeat scroll;
}
tr:last-child > * { border-bottom: 0; }
thead tr > * { border-bottom: 1px solid var(--rule); }
tr.measured { font-weight: 600; }
tr.measured th { color: var(--ink); }
td small { display: block; color: var(--quiet); font-size: 12px; }
.note.small { margin: 10px 0 0; font-size: 12px; }
table { width: 100%; border-collapse: collapse; font-size: 13px; }
th, td { padding: 5px 14px 5px 0; border-bottom: 1px solid var(--rule); text-align: left; }
th { color: var(--quiet); font-weight: 600; white-space: nowrap; }
thead th { position: sticky; top: 0; background: var(--card); }
td, tbody th { vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.name { min-width: 12ch; overflow-wrap: anywhere; }
td.long { min-width: 22ch; overflow-wrap: anywhere; }
.bad { color: var(--bad); font-weight: 600; }
.narrow { display: none; }
footer { margin-top: 20px; color: var(--quiet); font-size: 13px; }
:focus-visible { outline: 2px solid var(--measured); outline-offset: 2px; }
@media (max-width: 720px) {
  body { padding: 16px 12px 32px; }
  section { padding: 14px 12px; }
  .tiles { grid-template-columns: repeat(2, 1fr); gap: 8px; }
  .tiles > div { padding: 10px 12px; }
  .tiles dd { font-size: 19px; }
  .plot { height: 260px; margin-right: 8px; }
  .timeline { padding: 0 8px 8px 84px; }
  .minor { display: none; }
}
@media (max-width: 520px) {
  .roomy { display: none; }
  .narrow { display: inline; white-space: nowrap; }
  table, td small { font-size: 12px; }
  th, td { padding: 5px 8px 5px 0; }
  th, th.number { white-space: normal; }
  thead th { vertical-align: bottom; }
  .times th, .times td.number { padding-right: 5px; font-size: 11.5px; white-space: normal; }
  th:last-child, td:last-child { padding-right: 0; }
  td.name { min-width: 9ch; }
  td.long { min-width: 14ch; }
}
@media print {
  :root { color-scheme: light; }
  body { max-width: none; padding: 0; background: none; }
  section, .tiles > div, tr { break-inside: avoid-page; }
  .timeline, .table { max-height: none; overflow: visible; }
  .axis, thead th { position: static; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
