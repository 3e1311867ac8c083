import { basename, dirname } from 'node:path';
import type { Lab } from '../lab/lab.ts';
import type { LabHost } from '../lab/layout.ts';

/**
 * Takes a node that was released off the network at once, as if somebody else had it now: a release
 * that comes too early cannot pass unnoticed.
 */
export class GivenBack {
  readonly #lab: Lab;
  readonly #switches: { readonly node: LabHost; readonly off: Promise<void> }[] = [];

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  readonly see = (path: string): void => {
    if (basename(dirname(path)) !== 'released') return;
    const node = this.#lab.host(basename(path));
    this.#switches.push({ node, off: this.#lab.linkDown(node) });
  };

  async undo(): Promise<void> {
    for (const { node, off } of this.#switches) {
      await off;
      await this.#lab.linkUp(node);
    }
  }
}
