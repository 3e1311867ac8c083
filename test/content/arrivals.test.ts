import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { KgetError } from '../../src/base/error.ts';
import { noteArrivals } from '../../src/content/arrivals.ts';
import { CHUNK } from './fixtures.ts';

const COUNT = 40;
const shape = { sizeBytes: COUNT * CHUNK, chunkSizeBytes: CHUNK };
const never = new AbortController().signal;
const newNotes = () => noteArrivals(shape, 'file a');

void test('`readable` counts just the chunks that have arrived, in whatever order they come', () => {
  const positions = fc.uniqueArray(fc.nat(COUNT - 1));
  fc.assert(
    fc.property(
      positions,
      fc.nat(COUNT - 1),
      fc.integer({ min: 1, max: COUNT }),
      (come, first, atMost) => {
        const notes = newNotes();
        for (const position of come) notes.arrived(position);
        let expected = 0;
        while (expected < atMost && come.includes(first + expected)) expected += 1;
        assert.equal(notes.readable(first, atMost), expected);
      },
    ),
  );
});

void test('`waitFor` resolves when its chunk comes, and not when others do', async () => {
  const notes = newNotes();
  const waiting = notes.waitFor(9, never);
  notes.arrived(8);
  notes.arrived(10);
  const soon = new Promise((resolve) => setImmediate(() => resolve('not yet')));
  assert.equal(await Promise.race([waiting, soon]), 'not yet');
  notes.arrived(9);
  await waiting;
  await notes.waitFor(9, never);
});

void test('`allArrived` ends every wait', async () => {
  const notes = newNotes();
  const waits = [0, 20, 39].map((position) => notes.waitFor(position, never));
  notes.allArrived();
  await Promise.all(waits);
  assert.equal(notes.readable(3, 10), 10);
});

void test('`waitFor` throws why no more will come, now and later, but not for what is here', async () => {
  const notes = newNotes();
  notes.arrived(1);
  const failure = new KgetError('source-unreadable', 'it broke');
  const waiting = notes.waitFor(2, never);
  notes.fail(failure);
  await assert.rejects(waiting, failure);
  await assert.rejects(notes.waitFor(3, never), failure);
  await notes.waitFor(1, never);
});

void test('`waitFor` throws `cancelled` when it is stopped', async () => {
  const notes = newNotes();
  const stop = new AbortController();
  const waiting = notes.waitFor(2, stop.signal);
  stop.abort();
  await assert.rejects(waiting, { code: 'cancelled' });
  await assert.rejects(notes.waitFor(2, stop.signal), { code: 'cancelled' });
});
