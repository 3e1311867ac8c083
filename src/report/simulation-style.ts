import { COMPARISON_STYLE } from './comparison-style.ts';

/** What the page of a simulation adds to the style sheet of reports. */
export const SIMULATION_STYLE = `${COMPARISON_STYLE}
.bound-line { stroke: var(--limit); stroke-width: 2; stroke-dasharray: 1.5 3; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 4px 18px; margin: 0; }
.facts dt { color: var(--quiet); font-weight: 600; font-size: 13px; }
.facts dd { margin: 0; font-size: 13px; overflow-wrap: anywhere; }
.table { max-height: none; }
.note { margin: 8px 0 0; max-width: 110ch; font-size: 12px; }
code { font: 12px/1.45 ui-monospace, "Liberation Mono", monospace; overflow-wrap: anywhere; }
@media (max-width: 520px) {
  .facts { grid-template-columns: 1fr; gap: 0; }
  .facts dd { margin-bottom: 8px; }
}
`;
