/** What the page of a store adds to the style sheet of reports. */
export const STORE_STYLE = `
.zero { fill: var(--track); background: var(--track); }
.duplicate { fill: var(--in); background: var(--in); }
.compressed { fill: var(--up); background: var(--up); }
.stored { fill: var(--peer); background: var(--peer); }
.missing { fill: var(--bad); background: var(--bad); }
.unknown { fill: var(--quiet); background: var(--quiet); }
.shares { border-radius: 3px; overflow: hidden; margin: 2px 0; }
.whole { margin: 0 0 14px; }
.whole .shares { height: 28px; }
.whole rect { height: 28px; }
td.bar { width: 45%; min-width: 110px; }
.figures td:first-child { color: var(--quiet); font-weight: 600; white-space: nowrap; }
.note.small { max-width: 110ch; }
@media (max-width: 520px) {
  td.bar { width: 38%; min-width: 70px; }
}
`;
