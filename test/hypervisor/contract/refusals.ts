import assert from 'node:assert/strict';
import { KgetError, type ErrorCode } from '../../../src/base/error.ts';

/** A call that must throw a KgetError of this code. */
export async function refuses(code: ErrorCode, call: Promise<unknown>): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof KgetError, `a KgetError, found ${String(error)}`);
    assert.equal(error.code, code, error.message);
    return true;
  });
}
