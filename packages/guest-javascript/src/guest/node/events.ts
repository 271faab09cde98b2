/**
 * `node:events`: the npm package of that name, whose class is a function that can be called as Node's, and what Node has
 * got since.
 */
import EventEmitter from "events/events.js";
import { addAbortListener, on, once } from "unenv/node/events";

/** The listeners of an event, of an emitter. */
const getEventListeners = (emitter: EventEmitter, name: string | symbol): unknown[] =>
  emitter.listeners(name);

const listenerCount = (emitter: EventEmitter, name: string | symbol): number => emitter.listenerCount(name);

const getMaxListeners = (emitter: object): number =>
  emitter instanceof EventEmitter ? emitter.getMaxListeners() : EventEmitter.defaultMaxListeners;

function setMaxListeners(count: number, ...emitters: readonly object[]): void {
  if (emitters.length === 0) EventEmitter.defaultMaxListeners = count;
  for (const emitter of emitters) if (emitter instanceof EventEmitter) emitter.setMaxListeners(count);
}

class EventEmitterAsyncResource extends EventEmitter {
  emitDestroy(): void {}
}

export default Object.assign(EventEmitter, {
  ...{ EventEmitterAsyncResource, addAbortListener, getEventListeners, getMaxListeners, on, once },
  ...{ listenerCount, setMaxListeners, usingDomains: false, captureRejections: false },
  captureRejectionSymbol: Symbol.for("nodejs.rejection"),
  errorMonitor: Symbol.for("events.errorMonitor"),
});
