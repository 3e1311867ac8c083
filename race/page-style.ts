import { COMPARISON_STYLE } from '../src/report/comparison-style.ts';

/** What a race's page adds to the style sheet of reports. */
export const RACE_STYLE = `${COMPARISON_STYLE}
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 4px 18px; margin: 0; }
.facts dt { color: var(--quiet); font-weight: 600; font-size: 13px; }
.facts dd { margin: 0; font-size: 13px; overflow-wrap: anywhere; }
.table { max-height: none; }
th small { display: block; font-weight: 400; }
h3 { margin: 18px 0 6px; font-size: 14px; }
.note { margin: 8px 0 0; max-width: 110ch; font-size: 12px; }
code { font: 12px/1.45 ui-monospace, "Liberation Mono", monospace; overflow-wrap: anywhere; }
@media (max-width: 520px) {
  .facts { grid-template-columns: 1fr; gap: 0; }
  .facts dd { margin-bottom: 8px; }
}
`;
