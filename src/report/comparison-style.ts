/** Rivals beyond these many share a colour with an earlier one; all have their names beside them. */
export const RIVAL_STYLES = 8;

/** Curves that stand out when their entry in the legend is pointed at. */
const POINTED_CURVES = 12;

const NAMES = numbers(RIVAL_STYLES)
  .map((index) => `.n${index} { fill: var(--r${index}); }`)
  .join('\n');

/** The plot draws the curves of the legend from the last to the first. */
const POINTED_AT = numbers(POINTED_CURVES)
  .map((index) => {
    const place = index + 1;
    const others = `path:not(:nth-last-child(${place}))`;
    return `.curve:has(.legend li:nth-child(${place}):hover) ${others} { opacity: 0.15; }`;
  })
  .join('\n');

/**
 * What a page that compares strategies adds to the style sheet of reports. Rivals are told apart by dashes and by
 * their names at the curves as well as by colour; the hues are those of Okabe and Ito, and of Tol
 * ("muted") where theirs are too few. A curve whose entry in the legend is pointed at stands out.
 */
export const COMPARISON_STYLE = `
:root {
  --r0: #c25100; --r1: #a3417d; --r2: #00785a; --r3: #8a6500; --r4: #59636e; --r5: #882255;
  --r6: #1f7a99; --r7: #44446e; --limit: #1b1f24; --ours: #3d9bdc;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --r0: #f0803c; --r1: #e08fbf; --r2: #35b98e; --r3: #e0b93a; --r4: #a0a9b4; --r5: #e06f8b;
    --r6: #63c5c5; --r7: #b3b3f0; --limit: #e6e9ed; --ours: #2f8fd0;
  }
}
.k0 { stroke: var(--measured); stroke-width: 3.5; }
.k1 { stroke: var(--ours); stroke-width: 3; stroke-dasharray: 9 4; }
.r { stroke-width: 1.8; }
.r0 { stroke: var(--r0); stroke-dasharray: 8 4; }
.r1 { stroke: var(--r1); stroke-dasharray: 8 3 2 3; }
.r2 { stroke: var(--r2); }
.r3 { stroke: var(--r3); stroke-dasharray: 2 2.5; }
.r4 { stroke: var(--r4); stroke-dasharray: 14 3; }
.r5 { stroke: var(--r5); stroke-dasharray: 4 2.5; }
.r6 { stroke: var(--r6); stroke-dasharray: 8 3 2 3 2 3; }
.r7 { stroke: var(--r7); stroke-dasharray: 1.5 5; }
.curve-name {
  font-size: 12px; font-weight: 600; stroke: var(--card); stroke-width: 4; stroke-dasharray: none;
  paint-order: stroke; stroke-linejoin: round;
}
${NAMES}
${POINTED_AT}
.limit { stroke: var(--limit); stroke-width: 1.5; shape-rendering: crispEdges; }
.limit-label { fill: var(--ink); font-size: 12px; font-weight: 600; }
.curve .plot { height: 420px; margin-top: 30px; }
.key { width: 44px; }
@media (max-width: 720px) {
  .curve .plot { height: 360px; }
}
@media (max-width: 520px) {
  .curve-name { display: none; }
}
`;

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
