import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { FixtureHost, GuestObserver } from './contract/fixture.ts';
import { TINY_STATUS_PORT } from './tiny-guest-scripts.ts';
import { until } from './until.ts';

/** The guest boots in some 3 s of a processor that nobody else wants. */
const GUEST_LIMIT_MS = 60_000;
const WRITE_UNIT_BYTES = 65_536;

/** Sees the test guest by its status port, and tells it what to do by its command disk. */
export function tinyObserver(root: string): GuestObserver {
  let commands = 0;

  /** Its number. */
  function command(name: string, words: string): number {
    commands += 1;
    const fd = openSync(join(root, `${name}.commands`), 'r+');
    writeSync(fd, `${commands} ${words}\n`.padEnd(64), 0);
    closeSync(fd);
    return commands;
  }
  const write = (name: string, sizeBytes: number): number =>
    command(name, `write ${Math.ceil(sizeBytes / WRITE_UNIT_BYTES)}`);

  return {
    counter: async (host, name) => counted(host, name),
    async counterBeyond(host, name, number) {
      const beyond = (): number | undefined => {
        const now = counted(host, name);
        return now > number ? now : undefined;
      };
      return until(beyond, GUEST_LIMIT_MS);
    },
    async boot(host, name) {
      const boots = (): number => lines(host, name).filter((line) => line === 'boot').length;
      const before = boots();
      await host.hypervisor.start(name);
      await until(() => (boots() > before && counted(host, name) > 0) || undefined, GUEST_LIMIT_MS);
    },
    async write(host, name, sizeBytes) {
      await done(host, name, write(name, sizeBytes));
    },
    async ignorePowerButton(host, name) {
      await done(host, name, command(name, 'deaf'));
    },
    async panic(_host, name) {
      command(name, 'panic');
    },
    async powerOff(_host, name) {
      command(name, 'off');
    },
  };
}

function lines(host: FixtureHost, name: string): string[] {
  const port = host.spec(name).channels.find((it) => it.kind === 'file');
  const path = port?.name === TINY_STATUS_PORT ? port.path : '';
  if (!existsSync(path)) return [];
  const text = readFileSync(path, 'utf8');
  return text.split('\n').slice(0, -1);
}

function counted(host: FixtureHost, name: string): number {
  const last = lines(host, name).findLast((line) => /^(boot|count)/.test(line));
  return Number(/^count (\d+)$/.exec(last ?? '')?.[1] ?? 0);
}

async function done(host: FixtureHost, name: string, number: number): Promise<void> {
  const wanted = `done ${number}`;
  await until(() => lines(host, name).includes(wanted) || undefined, GUEST_LIMIT_MS);
}
