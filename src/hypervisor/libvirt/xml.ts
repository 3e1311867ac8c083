/** An element of an XML document: as much of XML as libvirt writes and reads. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlChild[];
}

/** A string is text, as it is meant: not escaped. */
export type XmlChild = XmlElement | string;

/** Characters that XML 1.0 cannot hold, not even escaped; tab and line feed it can. */
// eslint-disable-next-line no-control-regex
const FORBIDDEN = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g;

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  // Parsers take these for spaces in attributes.
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};

/** Text as it stands in an XML document, in an attribute or between tags. */
function escapeXml(text: string): string {
  return text.replace(FORBIDDEN, '').replace(/[&<>"'\t\n\r]/g, (it) => ESCAPES[it] ?? it);
}

/** Makes an element; attributes and children that are undefined are left out. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string | undefined>> = {},
  children: readonly (XmlChild | undefined)[] = [],
): XmlElement {
  const set = Object.entries(attributes).filter((pair): pair is [string, string] => {
    return pair[1] !== undefined;
  });
  return {
    name,
    attributes: Object.fromEntries(set),
    children: children.filter((child) => child !== undefined),
  };
}

/** An element as text. */
export function formatXml({ name, attributes, children }: XmlElement): string {
  const pairs = Object.entries(attributes).map(([key, value]) => ` ${key}='${escapeXml(value)}'`);
  const head = `<${name}${pairs.join('')}`;
  if (children.length === 0) return `${head}/>`;
  const inner = children.map((it) => (typeof it === 'string' ? escapeXml(it) : formatXml(it)));
  return `${head}>${inner.join('')}</${name}>`;
}

/** The children of an element that are elements, of one name or all. */
export function elements(parent: XmlElement | undefined, name?: string): readonly XmlElement[] {
  const found = (parent?.children ?? []).filter((it): it is XmlElement => typeof it !== 'string');
  return name === undefined ? found : found.filter((it) => it.name === name);
}

/** The element that a way of names leads to, the first of each; undefined if there is none. */
export function find(parent: XmlElement | undefined, ...names: string[]): XmlElement | undefined {
  let at = parent;
  for (const name of names) at = elements(at, name)[0];
  return at;
}

/** The text in an element, without that of elements in it. */
export function textOf(parent: XmlElement | undefined): string {
  return (parent?.children ?? [])
    .filter((it) => typeof it === 'string')
    .join('')
    .trim();
}
