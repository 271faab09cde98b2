// Everything that can be thrown, and every way in which it can get out.
import { task } from "@capsule-run/sdk";

const throwIt = (value: unknown): never => {
  throw value;
};
class NotFound extends Error {}

const thrown: Record<string, () => unknown> = {
  null: () => throwIt(null),
  undefined: () => throwIt(undefined),
  number: () => throwIt(42),
  string: () => throwIt("just text"),
  symbol: () => throwIt(Symbol("x")),
  function: () => throwIt(() => {}),
  object: () => throwIt({ code: 7 }),
  frozen: () => throwIt(Object.freeze(new Error("frozen"))),
  getters: () =>
    throwIt({
      get name() {
        throw new Error("no name");
      },
      get message() {
        throw new Error("no message");
      },
      get stack() {
        throw new Error("no stack");
      },
      get cause() {
        throw new Error("no cause");
      },
    }),
  proxy: () =>
    throwIt(
      new Proxy(
        {},
        {
          get() {
            throw new Error("trapped");
          },
          getPrototypeOf() {
            throw new Error("trapped");
          },
          ownKeys() {
            throw new Error("trapped");
          },
        },
      ),
    ),
  revoked() {
    const { proxy, revoke } = Proxy.revocable(new Error("x"), {});
    revoke();
    throw proxy;
  },
  cyclicCause() {
    const error = new Error("round");
    error.cause = error;
    throw error;
  },
  longMessage: () => throwIt(new Error("x".repeat(50_000_000))),
  longStack() {
    const error = new Error("short");
    error.stack = `Error: short\n${"    at somewhere (elsewhere.ts:1:1)\n".repeat(100_000)}`;
    throw error;
  },
  longName() {
    const error = new Error("x");
    error.name = "N".repeat(10_000_000);
    throw error;
  },
  nullPrototype: () => throwIt(Object.create(null)),
  messageObject() {
    const error = new Error("x");
    Object.defineProperty(error, "message", { value: { toString: () => throwIt(new Error("no text")) } });
    throw error;
  },
  aggregate: () => throwIt(new AggregateError([new Error("first"), new TypeError("second")], "all failed")),
  bigAggregate: () =>
    throwIt(
      new AggregateError(
        Array.from({ length: 100_000 }, (_, i) => new Error(`${i}`)),
        "many",
      ),
    ),
  causes: () => throwIt(new Error("outer", { cause: new Error("inner", { cause: "innermost" }) })),
  controls: () => throwIt(new Error("\u001b[2J\u0007\u0000\ud800 \u202e reversed")),
  subclass: () => throwIt(new NotFound("no such thing")),
  promise: () => throwIt(Promise.resolve(1)),
  rejectsNull: () => Promise.reject(null),
  rejectsNothing: () => Promise.reject(),
  timer: async () => {
    setTimeout(() => throwIt(new Error("from a timer")), 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
  },
  microtask: async () => {
    queueMicrotask(() => throwIt(new Error("from a microtask")));
    await new Promise((resolve) => setTimeout(resolve, 50));
  },
  nextToResult: () => {
    Promise.reject(new Error("floating"));
    return "a result that hides it";
  },
  listener: async () => {
    const target = new EventTarget();
    target.addEventListener("x", () => throwIt(new Error("from a listener")));
    target.dispatchEvent(new Event("x"));
    await new Promise((resolve) => setTimeout(resolve, 50));
  },
};

const run = task({ name: "run", compute: "HIGH" }, (name: string) => thrown[name]?.());

export const main = task({ name: "main", compute: "HIGH" }, () => {
  const envelopes: Record<string, unknown> = {};
  for (const name of Object.keys(thrown)) envelopes[name] = run(name);
  return envelopes;
});
