import { fault, type SetText } from './fault.ts';

/** Union, difference, intersection, symmetric difference. */
export type Operator = ',' | '!' | '&' | '^';

/** A part of a node set between operators, and the operator that stands before it. */
export interface Operand {
  readonly operator: Operator;
  /** Without the blanks around it. */
  readonly text: string;
  /** Where `text` begins in the set. */
  readonly at: number;
}

/**
 * Cuts a node set at its operators; those within brackets separate ranges. All operators bind alike
 * and apply from left to right, as in ClusterShell.
 * @throws KgetError `usage`
 */
export function operandsOf(set: SetText): Operand[] {
  const operands: Operand[] = [];
  let operator: Operator = ',';
  let start = 0;
  let opened: number | undefined;

  function finish(end: number): void {
    const raw = set.text.slice(start, end);
    const text = raw.trim();
    const at = start + raw.length - raw.trimStart().length;
    if (text === '') throw fault(set, { at: start, what: 'a node is missing here' });
    operands.push({ operator, text, at });
  }

  for (let at = 0; at < set.text.length; at += 1) {
    const character = set.text.charAt(at);
    if (character === '[') {
      if (opened !== undefined) throw fault(set, { at, what: 'a bracket within brackets' });
      opened = at;
    } else if (character === ']') {
      if (opened === undefined) throw fault(set, { at, what: 'a bracket that was not opened' });
      opened = undefined;
    } else if (opened === undefined && isOperator(character)) {
      finish(at);
      operator = character;
      start = at + 1;
    }
  }
  if (opened !== undefined) throw fault(set, { at: opened, what: 'a bracket that is not closed' });
  finish(set.text.length);
  return operands;
}

/** Changes `nodes` as the operator says. */
export function combine(
  nodes: Set<string>,
  { operator, others }: { operator: Operator; others: ReadonlySet<string> },
): void {
  switch (operator) {
    case ',':
      for (const node of others) nodes.add(node);
      break;
    case '!':
      for (const node of others) nodes.delete(node);
      break;
    case '&':
      for (const node of nodes) if (!others.has(node)) nodes.delete(node);
      break;
    case '^':
      for (const node of others) if (!nodes.delete(node)) nodes.add(node);
      break;
    default:
      operator satisfies never;
  }
}

function isOperator(character: string): character is Operator {
  return character === ',' || character === '!' || character === '&' || character === '^';
}
