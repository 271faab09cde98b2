import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_POLICY, type DeclaredPolicy, type FileGrant, UNDECLARED } from "@capsule-run/protocol";
import { type Ceiling, intersect, NO_CEILING, SEALED } from "./ceiling.ts";
import { cutsOf } from "./cuts.ts";
import { settle } from "./settle.ts";

const rw = (path: string): FileGrant => ({ path, mode: "read-write" });
const ro = (path: string): FileGrant => ({ path, mode: "read-only" });
const asks = (declared: Partial<DeclaredPolicy>): DeclaredPolicy => ({ ...UNDECLARED, ...declared });
const below = (ceiling: Partial<Ceiling>): Ceiling => ({ ...NO_CEILING, ...ceiling });

const cuts = (declared: DeclaredPolicy, ceiling: Partial<Ceiling>): readonly string[] =>
  cutsOf(settle(declared, UNDECLARED, NO_CEILING).asked, below(ceiling));

/** An untrusted program's wishes. */
const EVERYTHING = asks({
  fuel: 50_000_000_000,
  ram: 4 * 1024 ** 3,
  timeoutMs: 3_600_000,
  files: [rw(".")],
  hosts: ["*"],
  environment: ["HOME", "API_KEY"],
});

test("who says nothing gets the defaults", () => {
  assert.deepEqual(settle(UNDECLARED, UNDECLARED, NO_CEILING), {
    policy: DEFAULT_POLICY,
    asked: DEFAULT_POLICY,
  });
});

test("a task's own options come before the project's defaults, the ceiling before both", () => {
  const defaults = asks({ fuel: 7, ram: 100, maxRetries: 3, hosts: ["a.x"], files: [rw("data")] });
  const declared = asks({ fuel: 5, hosts: ["b.x"], files: [] });
  const { policy } = settle(declared, defaults, NO_CEILING);
  assert.deepEqual(policy, {
    ...DEFAULT_POLICY,
    fuel: 5,
    ram: 100,
    maxRetries: 3,
    hosts: ["b.x"],
    files: [],
  });
  const ceiling = below({ fuel: 3, ram: 200, timeoutMs: 50, hosts: ["c.x"] });
  assert.deepEqual(settle(declared, defaults, ceiling).policy, {
    ...policy,
    fuel: 3,
    timeoutMs: 50,
    hosts: [],
  });
});

test("no ceiling is none, an empty one is nothing", () => {
  const { policy } = settle(EVERYTHING, UNDECLARED, NO_CEILING);
  assert.deepEqual([policy.files, policy.hosts, policy.environment], [[rw(".")], ["*"], ["HOME", "API_KEY"]]);
  const sealed = settle(EVERYTHING, EVERYTHING, SEALED).policy;
  assert.deepEqual([sealed.files, sealed.hosts, sealed.environment], [[], [], []]);
  assert.equal(sealed.fuel, 50_000_000_000);
});

test("what is unlimited becomes what the ceiling says", () => {
  const { policy } = settle(UNDECLARED, UNDECLARED, below({ ram: 5, timeoutMs: 6 }));
  assert.deepEqual([policy.ram, policy.timeoutMs], [5, 6]);
  assert.deepEqual(cuts(UNDECLARED, { ram: 5, timeoutMs: 6 }), [], "it asked for nothing");
});

test("what is cut is said", () => {
  const ceiling = {
    fuel: 100,
    ram: 200,
    timeoutMs: 300,
    files: [ro("data")],
    hosts: ["api.openai.com"],
    environment: ["API_KEY"],
  };
  assert.deepEqual(cuts(EVERYTHING, ceiling), [
    "compute: 50000000000 is cut to 100 units of fuel",
    "ram: 4294967296 is cut to 200 bytes",
    "timeout: 3600000 is cut to 300 ms",
    'allowed_files: "." is cut to "data" (read-only)',
    'allowed_hosts: "*" is cut to "api.openai.com"',
    'env_variables: "HOME" is cut to nothing',
  ]);
  const many = asks({ hosts: Array.from({ length: 50 }, (_, i) => `h${i}.x`) });
  const sealed = cuts(many, SEALED);
  assert.equal(sealed.length, 11);
  assert.equal(sealed.at(-1), "allowed_hosts: 40 more are cut");
  assert.match(cuts(asks({ hosts: ["*"] }), { hosts: many.hosts })[0] ?? "", /"h9\.x" and 40 more$/);
});

test("two ceilings: what either forbids is forbidden", () => {
  const a = below({ fuel: 5, files: [rw("a"), rw("b")], hosts: ["*.x"], tasks: 10, runFuel: 8 });
  const b = below({ fuel: 7, ram: 9, files: [ro("a/b")], environment: ["A"], tasks: 3, runTimeoutMs: 4 });
  const both = {
    fuel: 5,
    ram: 9,
    timeoutMs: null,
    files: [ro("a/b")],
    hosts: ["*.x"],
    environment: ["A"],
    tasks: 3,
    runFuel: 8,
    runTimeoutMs: 4,
  };
  assert.deepEqual(intersect(a, b), both);
  assert.deepEqual(intersect(b, a), both);
  assert.deepEqual(intersect(NO_CEILING, a), a);
  const sealed = intersect(SEALED, a);
  assert.deepEqual([sealed.files, sealed.hosts, sealed.environment], [[], [], []]);
});
