// Tasks that call tasks.
import { task } from "@capsule-run/sdk";

interface Envelope {
  readonly success: boolean;
  readonly result: unknown;
  readonly error: { readonly error_type: string; readonly message: string } | null;
}
const short = ({ success, result, error }: Envelope): unknown =>
  success ? result : `${error?.error_type}: ${error?.message.split("\n")[0]}`;

// A tree: every level waits for the one below.
const sync = task({ name: "sync" }, (depth: number, fan: number): number => {
  if (depth === 0) return 1;
  let sum = 1;
  for (let i = 0; i < fan; i++) sum += sync(depth - 1, fan).result ?? Number.NaN;
  return sum;
});
const async = task({ name: "async" }, async (depth: number, fan: number): Promise<number> => {
  if (depth === 0) return 1;
  const below = await Promise.all(Array.from({ length: fan }, () => async(depth - 1, fan)));
  return below.reduce((sum, { result }) => sum + (result ?? Number.NaN), 1);
});

// A line as deep as it goes.
const down = task({ name: "down" }, (left: number): unknown => {
  if (left === 0) return "bottom";
  const { success, result, error } = down(left - 1) as Envelope;
  return success ? result : error;
});
const downAsync = task({ name: "downAsync" }, async (left: number): Promise<unknown> => {
  if (left === 0) return "bottom";
  const { success, result, error } = (await downAsync(left - 1)) as Envelope;
  return success ? result : error;
});

const fails = task({ name: "fails" }, () => {
  throw new TypeError("the child's own");
});
const failsAsync = task({ name: "failsAsync" }, async () => {
  throw new TypeError("the child's own");
});
const starves = task({ name: "starves", compute: 1_000_000 }, () => {
  while (true) {}
});
const overflows = task({ name: "overflows" }, () => {
  const f = (): number => f() + 1;
  return f();
});

const rest = task({ name: "rest" }, (first: number, second = 20, ...others: number[]) => [
  first,
  second,
  others,
]);
const options = task({ name: "options" }, ({ a, b = 2 }: { a: number; b?: number }, [c]: number[] = [3]) => [
  a,
  b,
  c,
]);
const plainPromise = task({ name: "plainPromise" }, (ms: number) => {
  const began = Date.now();
  return new Promise<number>((resolve) =>
    setTimeout(() => resolve(Date.now() - began >= ms - 1 ? ms : -1), ms),
  );
});
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const nap = task({ name: "nap" }, async (ms: number) => {
  await sleep(ms);
  return ms;
});

/** What happens in which order when timers, microtasks and calls meet. */
const order = task({ name: "order" }, async () => {
  const seen: string[] = [];
  setTimeout(() => seen.push("timeout 0"), 0);
  setImmediate(() => seen.push("immediate"));
  queueMicrotask(() => seen.push("microtask"));
  Promise.resolve().then(() => seen.push("then"));
  seen.push("start");
  const call = nap(60).then(({ result }) => seen.push(`call ${result}`));
  setTimeout(() => seen.push("timeout 5"), 5);
  plainPromise(20);
  seen.push("after the sync call");
  await sleep(10);
  seen.push("after a sleep");
  await call;
  seen.push("end");
  return seen;
});

const intervals = task({ name: "intervals" }, async () => {
  const counts = { own: 0, outside: 0 };
  const own = setInterval(() => {
    if (++counts.own === 3) clearInterval(own);
  }, 2);
  const outside = setInterval(() => counts.outside++, 5);
  await sleep(40);
  clearInterval(outside);
  const then = counts.outside;
  await sleep(30);
  return [counts.own, counts.outside === then, then >= 1];
});
/** Ends although an interval goes on. */
const leftover = task({ name: "leftover" }, async () => {
  setInterval(() => console.error("never seen"), 1000);
  setTimeout(() => console.error("never seen"), 500);
  return "ended";
});

const unhandled = task({ name: "unhandled" }, async () => {
  Promise.reject(new Error("floating"));
  await sleep(5);
  return "not reached";
});
const handledLate = task({ name: "handledLate" }, async () => {
  const rejected = Promise.reject(new Error("handled in time"));
  await null;
  await rejected.catch(() => {});
  return "fine";
});
const syncThrowInThen = task({ name: "syncThrowInThen" }, async () => {
  await Promise.resolve().then(() => {
    throw new Error("inside then");
  });
});
const cause = task({ name: "cause" }, () => {
  throw new Error("outer", { cause: new RangeError("inner") });
});
const aggregate = task({ name: "aggregate" }, async () => {
  await Promise.any([Promise.reject(new Error("first")), Promise.reject(new TypeError("second"))]);
});

export const main = task({ name: "main", compute: "HIGH" }, async (what: string) => {
  switch (what) {
    case "sync":
      return [sync(6, 3), sync(40, 1)].map(short);
    case "async":
      return [await async(6, 3), await async(40, 1)].map(short);
    case "depth":
      return {
        at: down(99).result,
        beyond: down(100).result,
        atAsync: (await downAsync(99)).result,
        beyondAsync: (await downAsync(100)).result,
      };
    case "failing":
      return [fails(), await failsAsync(), starves(), overflows()].map((e) => short(e as Envelope));
    case "arguments":
      return [
        rest(1),
        rest(1, undefined),
        rest(1, undefined, 3),
        rest(1, 2, 3, 4),
        rest(1, null as never),
        options({ a: 1 }),
        options({ a: 1, b: 5 }, [6]),
        options({ a: 1, b: undefined as never }),
      ].map((e) => short(e as Envelope));
    case "blocking": {
      const all = await Promise.all([plainPromise(30), plainPromise(30)]);
      return all.map(short);
    }
    case "order":
      return (await order()).result;
    case "intervals":
      return [await intervals(), await leftover()].map(short);
    case "errors":
      return [
        await unhandled(),
        await handledLate(),
        await syncThrowInThen(),
        cause(),
        await aggregate(),
      ].map((e) => (e.success ? e.result : e.error?.message));
  }
});
