import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { GuestHost } from "@capsule-run/protocol";
import { InstancePool } from "./pool.ts";
import { Session } from "./session.ts";
import { FakeInstance, NOTHING, result, settle } from "./testing.ts";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;
const LARGE = 40_000_000;

/** A pool whose instances are large, that says which of them there are after each collection. */
function watched(): { pool: InstancePool<unknown>; found: string[] } {
  const made: WeakRef<FakeInstance>[] = [];
  const found: string[] = [];
  const create = (host: GuestHost): FakeInstance => {
    const instance = new FakeInstance(host);
    instance.memory = LARGE;
    made.push(new WeakRef(instance));
    return instance;
  };
  const prepare = () => ({ memory: NOTHING, globals: [] });
  const pool = new InstancePool<unknown>({ hash: "engine", kept: 8, create, prepare }, () => {
    gc();
    found.push(made.flatMap((each, i) => (each.deref() ? [i] : [])).join(" "));
  });
  return { pool, found };
}

test("of unused instances that go, none is left when they are collected", async () => {
  const { pool, found } = watched();
  for (const lease of [1, 2, 3, 4].map(() => pool.take(null, LARGE))) lease.release();
  await settle();
  pool.keep(LARGE);
  await settle();
  assert.deepEqual(found, ["3"]);
});

test("of a session that is dropped nothing is left when it is collected", async () => {
  const { pool, found } = watched();
  const session = new Session(pool);
  (() => session.end(pool.take(null, LARGE), result("1"), LARGE))();
  await settle();
  session.drop();
  await settle();
  assert.deepEqual(found, [""]);
});

test("of an instance that a session replaced nothing is left when it is collected", async () => {
  const { pool, found } = watched();
  const session = new Session(pool);
  (() => {
    const lease = pool.take(null, LARGE);
    session.end(lease, result("1"), LARGE);
    session.save();
    (lease.instance as FakeInstance).memory = 2 * LARGE;
    session.end(lease, { state: "stopped" }, LARGE);
  })();
  await settle();
  pool.collect();
  assert.deepEqual(found, ["1"]);
});
