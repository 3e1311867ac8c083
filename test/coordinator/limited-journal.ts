/** Appends records of growing length to a journal, as a process whose files may not grow for long. */
import { openJournal } from '../../src/coordinator/journal-file.ts';

const appended: string[] = [];
const refused: string[] = [];
const journal = openJournal(process.argv[2] ?? '', 0);
for (let length = 64; length <= 1024; length *= 2) tryNode('n'.repeat(length));
tryNode('short');
journal.close();
process.stdout.write(JSON.stringify({ appended, refused }));

function tryNode(node: string): void {
  try {
    journal.append({ type: 'released', node });
    appended.push(node);
  } catch {
    refused.push(node);
  }
}
