/** Stands for `node:os` in simulated processes. */
import { currentProcess } from './process.ts';

export const hostname = (): string => currentProcess().host.name;
export const networkInterfaces = (): Record<string, never[]> => ({});
export const userInfo = (): { username: string } => ({ username: 'user' });
export const homedir = (): string => '/home/user';
export const tmpdir = (): string => '/tmp';
export const availableParallelism = (): number => 1;
