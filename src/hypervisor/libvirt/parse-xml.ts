import { KgetError } from '../../base/error.ts';
import type { XmlChild, XmlElement } from './xml.ts';

/** Deeper than libvirt nests; the stack of whoever reads the tree must hold it. */
const MAX_DEPTH = 64;

const NAMED: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
]);

const MAX_CODE_POINT = 0x10ffff;

/** A comment, a processing instruction, a tag, or text: at most one of them begins at a place. */
const TOKEN = new RegExp(
  [
    /<!--[^]*?-->/,
    /<\?[^]*?\?>/,
    /<\/([^\s>]+)\s*>/,
    /<([^\s/>!?]+)((?:"[^"]*"|'[^']*'|[^"'<>])*?)(\/?)>/,
    /([^<]+)/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'y',
);

const ATTRIBUTE = /\s+([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/y;

interface Open {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: XmlChild[];
}

/**
 * Reads a document as libvirt writes it: no DTD, no CDATA. White space between
 * elements is left out.
 * @throws KgetError `protocol` if it is none
 */
export function parseXml(text: string): XmlElement {
  const top: Open = { name: '', attributes: {}, children: [] };
  const stack: Open[] = [top];
  for (let at = 0; at < text.length;) {
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text);
    const parent = stack.at(-1);
    if (token === null || parent === undefined) throw broken(text, at);
    const [whole, closed, opened, pairs = '', ended, words] = token;
    const fail = (): KgetError => broken(text, at);
    if (words !== undefined && words.trim() !== '') parent.children.push(decode(words, fail));
    if (opened !== undefined) {
      const fresh = { name: opened, attributes: attributesOf(pairs, fail), children: [] };
      parent.children.push(fresh);
      if (ended === '') stack.push(fresh);
    }
    if (closed !== undefined) {
      if (stack.length === 1 || parent.name !== closed) throw broken(text, at);
      stack.pop();
    }
    if (stack.length > MAX_DEPTH) throw broken(text, at);
    at += whole.length;
  }
  const [root, ...others] = top.children;
  if (stack.length !== 1 || root === undefined || typeof root === 'string' || others.length > 0) {
    throw broken(text, text.length);
  }
  return root;
}

function attributesOf(pairs: string, fail: () => KgetError): Readonly<Record<string, string>> {
  const attributes: [string, string][] = [];
  let done = 0;
  while (pairs.slice(done).trim() !== '') {
    ATTRIBUTE.lastIndex = done;
    const pair = ATTRIBUTE.exec(pairs);
    if (pair === null) throw fail();
    const [whole, name = '', quoted, apostrophed] = pair;
    attributes.push([name, decode(quoted ?? apostrophed ?? '', fail)]);
    done += whole.length;
  }
  // Unlike an assignment, this makes an attribute of a name that every object has.
  return Object.fromEntries(attributes);
}

function decode(text: string, fail: () => KgetError): string {
  return text.replace(/&(?:#x([0-9a-fA-F]+)|#(\d+)|(\w+));/g, (whole, hex, decimal, name) => {
    if (typeof name === 'string') return NAMED.get(name) ?? whole;
    const code = typeof hex === 'string' ? Number.parseInt(hex, 16) : Number(decimal);
    if (code > MAX_CODE_POINT) throw fail();
    return String.fromCodePoint(code);
  });
}

function broken(text: string, at: number): KgetError {
  const found = JSON.stringify(text.slice(at, at + 60));
  const place = `found ${found} at character ${at}`;
  return new KgetError('protocol', `Cannot read what libvirt says: ${place}, wanted XML`);
}
