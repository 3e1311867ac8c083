/**
 * Timers and clocks of the language, as simulated processes see them. Everyone else goes on with the
 * real ones.
 */
import { currentProcess, idOf, isSimulated, post } from './process.ts';

/** The wall clock when a simulation begins: 2026-01-01. */
const EPOCH_MS = Date.UTC(2026, 0, 1);

/** What `setTimeout` and the others return. */
class SimulatedTimer {
  callOff: () => void = () => {};
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
  hasRef(): boolean {
    return true;
  }
  [Symbol.dispose](): void {
    this.callOff();
  }
}

type Callback = (...values: unknown[]) => void;

function nowMs(): number {
  return currentProcess().machine.timeline.nowMs();
}

function wallMs(): number {
  return Math.floor(EPOCH_MS + nowMs() + currentProcess().host.clockAheadMs);
}

function once(delayMs: number, action: () => void): SimulatedTimer {
  const timer = new SimulatedTimer();
  timer.callOff = post(currentProcess(), delayMs, action);
  return timer;
}

function repeatedly(delayMs: number, action: () => void): SimulatedTimer {
  const process = currentProcess();
  const timer = new SimulatedTimer();
  const again = (): void => {
    timer.callOff = post(process, delayMs, () => {
      again();
      action();
    });
  };
  again();
  return timer;
}

function withSimulated<Real extends Callback>(real: Real, simulated: Callback): Real {
  const either = (...values: unknown[]): unknown =>
    isSimulated() ? simulated(...values) : real(...values);
  // promisify(setTimeout) and its like are looked up by symbols.
  return Object.assign(either, real);
}

function cancel(real: Callback): Callback {
  return (timer) => {
    if (timer instanceof SimulatedTimer) timer.callOff();
    else real(timer);
  };
}

/** The least a turn of the event loop takes. */
const TURN_MS = 0.01;

/** Puts simulated timers and clocks in the place of the real ones, for simulated processes. */
export function substituteGlobals(): void {
  const scope = globalThis as unknown as Record<string, Callback>;
  const real = {
    setTimeout: globalThis.setTimeout as unknown as Callback,
    setInterval: globalThis.setInterval as unknown as Callback,
    setImmediate: globalThis.setImmediate as unknown as Callback,
  };
  scope['setTimeout'] = withSimulated(real.setTimeout, (action, delayMs, ...values) =>
    once(Math.max(1, Number(delayMs ?? 1)), () => (action as Callback)(...values)),
  );
  scope['setInterval'] = withSimulated(real.setInterval, (action, delayMs, ...values) =>
    repeatedly(Math.max(1, Number(delayMs ?? 1)), () => (action as Callback)(...values)),
  );
  scope['setImmediate'] = withSimulated(real.setImmediate, (action, ...values) =>
    once(TURN_MS, () => (action as Callback)(...values)),
  );
  for (const name of ['clearTimeout', 'clearInterval', 'clearImmediate']) {
    scope[name] = cancel(scope[name] as Callback);
  }
  const { pid } = process;
  Object.defineProperty(process, 'pid', {
    get: () => (isSimulated() ? idOf(currentProcess()) : pid),
  });
  const realNow = performance.now.bind(performance);
  performance.now = () => (isSimulated() ? nowMs() : realNow());
  const RealDate = Date;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, values: []) =>
      values.length === 0 && isSimulated() ? new target(wallMs()) : new target(...values),
    get: (target, key, receiver) =>
      key === 'now' && isSimulated() ? wallMs : Reflect.get(target, key, receiver),
  });
}
