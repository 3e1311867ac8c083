import { createHash } from 'node:crypto';
import { html, scriptJson, trusted } from './markup.ts';
import { SCRIPT } from './script.ts';
import { STYLE } from './style.ts';
import type { Markup } from './markup.ts';
import type { ReleaseCurve } from './record.ts';

/**
 * The head of a page; `style` is added to the common style sheet and is ours. Its policy lets
 * nothing run but our own script, and nothing be loaded.
 */
export function head({ title, style = '' }: { title: string; style?: string }): Markup {
  const digest = createHash('sha256').update(SCRIPT).digest('base64');
  const policy =
    `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${digest}'; ` +
    "base-uri 'none'; form-action 'none'";
  return html`<head>
    <meta charset="utf-8" />
    <meta http-equiv="Content-Security-Policy" content="${policy}" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>${title}</title>
    <style>
      ${trusted(STYLE + style)}
    </style>
  </head>`;
}

/** An ISO 8601 moment in UTC, for people: `2026-11-22 09:30:00 UTC`. */
export function formatDate(iso: string): string {
  return iso.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC');
}

/** A figure that a page begins with, and in a line what it is compared with. */
export interface Tile {
  readonly title: string;
  readonly value: string;
  readonly detail: string;
}

export function tileList(tiles: readonly Tile[]): Markup {
  return html`<dl class="tiles">${tiles.map(tile)}</dl>`;
}

function tile({ title, value, detail }: Tile): Markup {
  return html`<div>
    <dt>${title}</dt>
    <dd>${value} <small>${detail}</small></dd>
  </div>`;
}

export function section(title: string, content: Markup): Markup {
  return html`<section>
    <h2>${title}</h2>
    ${content}
  </section>`;
}

/** The page's script and the points that it reads: the curves in the order of the plot. */
export function curveScripts(curves: readonly ReleaseCurve[]): Markup {
  const points = curves.map((curve) => curve.points.map(({ seconds, share }) => [seconds, share]));
  return html`<script type="application/json" id="curves">
      ${scriptJson(points)}
    </script>
    ${trusted(`<script>${SCRIPT}</script>`)}`;
}
