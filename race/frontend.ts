import { join } from 'node:path';
import type { Lab } from '../lab/lab.ts';

/** The machine's path of something below the frontend's `/labnode`. */
export function onFrontend(lab: Lab, path: string): string {
  return join(lab.frontend.labnode, path);
}

/** Runs a shell command on the frontend, and returns what it printed. @throws Error if it fails */
export async function shell(lab: Lab, command: string): Promise<string> {
  return lab.run(lab.frontend, ['sh', '-c', command]);
}
