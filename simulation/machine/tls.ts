/**
 * Stands for `node:tls` in simulated processes. A certificate is the text `AUTHORITY NAME`: who shows
 * one of the run's authority belongs to the run.
 */
import { EventEmitter } from 'node:events';
import { systemError } from './disk.ts';
import type { Host } from './process.ts';
import { currentProcess, post, type Process } from './process.ts';
import { SimulatedSocket } from './socket.ts';

export type TLSSocket = SimulatedSocket;

interface Credentials {
  readonly cert?: string;
  readonly ca?: string;
}

interface ConnectOptions extends Credentials {
  readonly host: string;
  readonly port: number;
  readonly checkServerIdentity: (name: string, certificate: unknown) => Error | undefined;
  readonly onread?: ConstructorParameters<typeof SimulatedSocket>[1];
}

const FIRST_PORT = 40_000;

/** Who listens where in the simulation that runs. */
const listeners = new Map<string, SimulatedServer>();
let nextPort = FIRST_PORT;
/** Told when a connection is there, and when it is gone. */
let observer: ConnectionObserver = { opened: () => {}, closed: () => {} };

export interface ConnectionObserver {
  opened(client: SimulatedSocket, server: SimulatedSocket): void;
  closed(client: SimulatedSocket): void;
}

/** Forgets everything: another simulation begins. */
export function resetListeners(next: ConnectionObserver): void {
  listeners.clear();
  nextPort = FIRST_PORT;
  observer = next;
}

export function checkServerIdentity(
  name: string,
  certificate: { cert: string },
): Error | undefined {
  return certificate.cert.split(' ')[1] === name
    ? undefined
    : new Error(`the certificate is not for ${name}`);
}

class SimulatedServer extends EventEmitter {
  readonly process: Process;
  readonly credentials: Credentials;
  #port = 0;
  readonly #connections = new Set<SimulatedSocket>();
  #onClosed: (() => void) | undefined;

  constructor(process: Process, credentials: Credentials) {
    super();
    this.process = process;
    this.credentials = credentials;
    process.onEnd.add(() => this.#forget());
  }

  listen(): this {
    this.#port = nextPort;
    nextPort += 1;
    listeners.set(`${this.process.host.name}:${this.#port}`, this);
    post(this.process, 0, () => this.emit('listening'));
    return this;
  }

  address(): { port: number } {
    return { port: this.#port };
  }

  close(done?: () => void): this {
    this.#forget();
    this.#onClosed = done;
    this.#settle();
    return this;
  }

  #forget(): void {
    listeners.delete(`${this.process.host.name}:${this.#port}`);
  }

  #settle(): void {
    if (this.#onClosed !== undefined && this.#connections.size === 0) {
      post(this.process, 0, this.#onClosed);
      this.#onClosed = undefined;
    }
  }

  /** A connection comes in. */
  accept(client: SimulatedSocket): SimulatedSocket {
    const socket = new SimulatedSocket(this.process);
    client.peer = socket;
    socket.peer = client;
    this.#connections.add(socket);
    socket.on('close', () => {
      this.#connections.delete(socket);
      this.#settle();
    });
    this.emit('connection', socket);
    return socket;
  }
}

export function createServer(options: Credentials): SimulatedServer {
  return new SimulatedServer(currentProcess(), options);
}

export function connect(options: ConnectOptions): SimulatedSocket {
  const process = currentProcess();
  const { network, timeline, dice } = process.machine;
  const client = new SimulatedSocket(process, options.onread);
  const from = process.host;
  const to = hosts.get(options.host);

  function reach(): void {
    const server = listeners.get(`${options.host}:${options.port}`);
    if (server === undefined || server.process.state === 'dead') {
      post(process, network.latencyMs(), () => client.fail(systemError('ECONNREFUSED', 'connect')));
      return;
    }
    post(server.process, 0, () => {
      if (client.destroyed) return;
      const accepted = server.accept(client);
      post(process, network.latencyMs(), () => {
        if (client.destroyed) return;
        client.emit('connect');
        if (!client.destroyed) greet(server, accepted);
      });
    });
  }

  function greet(server: SimulatedServer, accepted: SimulatedSocket): void {
    const { cert = '', ca = '' } = server.credentials;
    const isTrusted = cert.split(' ')[0] === options.ca && options.cert?.split(' ')[0] === ca;
    const wrongName = options.checkServerIdentity('', { cert });
    // As if a bit had been flipped on the way: the record does not authenticate.
    const isGarbled = dice.oneIn(5000);
    if (isTrusted && wrongName === undefined && !isGarbled) {
      observer.opened(client, accepted);
      client.once('close', () => observer.closed(client));
      client.secure();
      client.emit('secureConnect');
      post(server.process, network.latencyMs(), () => {
        if (accepted.destroyed) return;
        accepted.secure();
        server.emit('secureConnection', accepted);
      });
      return;
    }
    client.fail(wrongName ?? new Error('the certificate is not of this run'));
    post(server.process, network.latencyMs(), () => {
      server.emit('tlsClientError', new Error('unknown authority'), accepted);
      accepted.fail(undefined);
    });
  }

  if (to !== undefined) {
    network.whenOpen(from, to, () => {
      timeline.after(network.latencyMs(), () => {
        if (process.state === 'running' && !client.destroyed) reach();
      });
    });
  } else {
    post(process, 0, () => client.fail(systemError('ENOTFOUND', 'getaddrinfo')));
  }
  return client;
}

/** All hosts, by their names. */
const hosts = new Map<string, Host>();

export function setHosts(all: readonly Host[]): void {
  hosts.clear();
  for (const host of all) hosts.set(host.name, host);
}
