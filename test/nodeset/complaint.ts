import assert from 'node:assert/strict';
import { parseNodeSet } from '../../src/nodeset/node-set.ts';
import { groupsOf, type Files } from './example-groups.ts';

/** The message of the error that reading a node set ends in. */
export function complaint(text: string, files: Files = {}): string {
  try {
    parseNodeSet(text, { groups: groupsOf(files), readText: (path) => files[path] });
  } catch (error) {
    assert.ok(error instanceof Error && 'code' in error && error.code === 'usage', String(error));
    return error.message;
  }
  return assert.fail(`"${text}" was read`);
}
