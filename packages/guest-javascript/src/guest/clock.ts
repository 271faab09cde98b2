/** Time within the attempt. Reading it while loading makes the host take the snapshot before the program. */
import { defineHidden, defineProperty, now } from "./primordials.ts";

const engine = (globalThis as { performance: Performance }).performance;
const read = engine.now.bind(engine);

/** The engine's clock when the attempt began; null in a snapshot. */
let start: number | null = null;
let origin: number | null = null;

/** Milliseconds with fractions, from an arbitrary start. */
export const clock = (): number => read();

/** The attempt begins: what `performance.now()` counts from. */
export function startClock(): void {
  start ??= read();
}

/** Milliseconds since the attempt began. */
function sinceStart(): number {
  startClock();
  return read() - (start as number);
}

/** When the attempt began, in milliseconds since 1970. */
export function timeOrigin(): number {
  if (origin === null) origin = now() - sinceStart();
  return origin;
}

/** `performance`: `now` and `timeOrigin`, relative to this attempt. */
export function installPerformance(): void {
  const performance = {
    now: sinceStart,
    toJSON: () => ({ timeOrigin: timeOrigin() }),
  };
  defineProperty(performance, "timeOrigin", { get: timeOrigin, enumerable: true, configurable: true });
  defineProperty(performance, Symbol.toStringTag, { value: "Performance", configurable: true });
  defineHidden(globalThis, "performance", performance);
}
