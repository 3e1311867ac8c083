import { visible } from './names.ts';

/** Text that is markup already. Only `html` and `trusted` make it. */
export interface Markup {
  readonly markup: string;
}

type Value = string | number | Markup | readonly Markup[];

/**
 * A template of markup. Every value that is not markup itself is escaped, for use as text or inside
 * a quoted attribute, so that no name or path can become part of the page's code.
 *
 * @example html`<td title="${path}">${path}</td>`
 */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Markup {
  const parts = strings.map((text, index) => {
    const value = values[index];
    // The indentation of our sources is no part of the page.
    const plain = text.replace(/\n\s+/g, '\n');
    return value === undefined ? plain : plain + render(value);
  });
  return { markup: parts.join('') };
}

/** Marks a text of our own as markup. Never for anything that comes from a report. */
export function trusted(text: string): Markup {
  return { markup: text };
}

/** JSON that is safe inside a script element. */
export function scriptJson(value: unknown): Markup {
  return { markup: JSON.stringify(value).replaceAll('<', String.raw`\u003c`) };
}

const NOTHING: Markup = { markup: '' };

/** The markup if the condition holds, or nothing. */
export function when(condition: boolean, markup: () => Markup): Markup {
  return condition ? markup() : NOTHING;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function render(value: Value): string {
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') {
    return visible(value).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
  }
  if ('markup' in value) return value.markup;
  return value.map((item) => item.markup).join('');
}
