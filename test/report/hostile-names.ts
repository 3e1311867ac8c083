import assert from 'node:assert/strict';
import * as fc from 'fast-check';

/** Checks that names become no tags: a page with hostile ones has the tags of one with plain ones. */
export function assertEscapes(pageOf: (name: string) => string): void {
  const hostile = fc.string({ unit: fc.constantFrom('<', '>', '"', "'", '&', '/', 'a', '\u0000') });
  fc.assert(
    fc.property(hostile, (name) => {
      // As long as the other, since long names have a short form in pages.
      const plain = 'x'.repeat(name.length);
      assert.equal(shape(pageOf(name)), shape(pageOf(plain)));
    }),
    { examples: [['</script><script>alert(1)</script>'], ['"><img src=x onerror=alert(1)>']] },
  );
}

/** Everything in a page that delimits tags and attributes. */
function shape(page: string): string {
  return (page.match(/[<>"]/g) ?? []).join('');
}
