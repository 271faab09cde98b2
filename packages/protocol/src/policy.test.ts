import assert from "node:assert/strict";
import { test } from "node:test";
import {
  isTaskName,
  type Parsed,
  parseCompute,
  parseDisk,
  parseRam,
  parseRetries,
  parseTaskOptions,
  parseTimeout,
  TASK_OPTIONS,
  UNDECLARED,
} from "./policy.ts";

const NEVER: readonly unknown[] = [
  null,
  undefined,
  true,
  {},
  [],
  "",
  " ",
  -1,
  0.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 53,
  10n,
  () => 1,
  "constructor",
  "-1",
  "1e3",
  "0x10",
  "١",
];

const TABLE: Readonly<
  Record<
    string,
    {
      parse: (value: unknown) => Parsed<number>;
      good: readonly (readonly [unknown, number])[];
      bad: readonly unknown[];
    }
  >
> = {
  compute: {
    parse: parseCompute,
    good: [
      ["LOW", 100_000_000],
      ["MEDIUM", 2_000_000_000],
      ["HIGH", 50_000_000_000],
      [1, 1],
      [5_000_000, 5_000_000],
      ["5000000", 5_000_000],
      ["007", 7],
      ["9007199254740991", Number.MAX_SAFE_INTEGER],
    ],
    bad: ["low", "9007199254740992", "99999999999999999", 0, "0", "5_000", "5 000", " LOW", "1.0"],
  },
  ram: {
    parse: parseRam,
    good: [
      ["64MB", 64 * 1024 ** 2],
      ["2GB", 2 * 1024 ** 3],
      ["512KiB", 512 * 1024],
      ["1.5gb", 1.5 * 1024 ** 3],
      [" 64 MB ", 64 * 1024 ** 2],
      ["100B", 100],
      [65_536, 65_536],
    ],
    bad: ["64", "MB", "64M", "64TB", "0MB", 0, "-64MB", "64MB.", "1e3MB", ".5MB", "99999999999GB", "64iB"],
  },
  disk: {
    parse: parseDisk,
    good: [
      ["64GB", 64 * 1024 ** 3],
      [1, 1],
    ],
    bad: ["65GB", 64 * 1024 ** 3 + 1, "64", 0],
  },
  timeout: {
    parse: parseTimeout,
    good: [
      ["500ms", 500],
      ["30s", 30_000],
      ["5m", 300_000],
      ["1h", 3_600_000],
      ["1.5s", 1500],
      [250, 250],
      [" 2 s ", 2000],
    ],
    bad: ["30", "1d", "30S", "0s", 0, "0.1ms", "s", "1 h 5 m", "99999999999999h"],
  },
  maxRetries: {
    parse: parseRetries,
    good: [
      [0, 0],
      [3, 3],
      [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
    ],
    bad: ["0", "3"],
  },
};

for (const [option, { parse, good, bad }] of Object.entries(TABLE))
  test(`${option}: what it may be`, () => {
    for (const [value, expected] of good)
      assert.deepEqual(parse(value), { ok: true, value: expected }, String(value));
    for (const value of [...NEVER, ...bad]) {
      const parsed = parse(value);
      assert.ok(!parsed.ok && parsed.allowed.length > 0, String(value));
    }
  });

const given = (option: string, value: unknown): unknown => {
  const parsed = TASK_OPTIONS[option]?.parse(value);
  return parsed?.ok ? parsed.value : undefined;
};

test("files, hosts and variables are lists", () => {
  for (const option of ["allowedFiles", "allowedHosts", "envVariables"]) {
    assert.deepEqual(given(option, []), []);
    const none = ["", null, {}, "x", [1], [null], [""], new Array(1), new Array(1001).fill("x")];
    for (const value of none) assert.equal(given(option, value), undefined);
  }
});

test("allowedFiles: folders inside the project, read-write unless they say otherwise", () => {
  const rw = (path: string) => ({ path, mode: "read-write" });
  assert.deepEqual(given("allowedFiles", ["./data", "a//b/../c/", ".", "a/..", "..a", { path: "d" }]), [
    ...[rw("data"), rw("a/c"), rw("."), rw("."), rw("..a"), rw("d")],
  ]);
  const modes = ["ro", "read-only", "rw", "read-write"].map((mode) => ({ path: "d", mode }));
  assert.deepEqual(
    (given("allowedFiles", modes) as { mode: string }[]).map(({ mode }) => mode),
    ["read-only", "read-only", "read-write", "read-write"],
  );
  const outside = ["/etc", "..", "../x", "a/../..", "C:/x", "c:", "\\\\x", "a\0b", "x".repeat(5000)];
  for (const path of outside) assert.equal(given("allowedFiles", [path]), undefined, path);
  for (const grant of [
    { path: "d", mode: "w" },
    { path: "d", mode: "constructor" },
    { path: "d", x: 1 },
    {},
    [["d"]],
  ])
    assert.equal(given("allowedFiles", [grant]), undefined);
});

test("allowedHosts: names, ports, what is below a name, everything", () => {
  const good = [
    "api.example.com",
    "a.b:8443",
    "*.example.com",
    "*",
    "*:8080",
    "localhost",
    "127.0.0.1:80",
    "[::1]:80",
  ];
  assert.deepEqual(given("allowedHosts", good), good);
  assert.deepEqual(given("allowedHosts", ["API.Example.COM"]), ["api.example.com"]);
  const bad = [
    "http://a.com",
    "a.com/",
    "a.com:0",
    "a.com:65536",
    "a.com:",
    "*.",
    "a.*.com",
    "*a.com",
    "**",
    "a b",
    "a\n",
  ];
  for (const host of [
    ...bad,
    "user@a.com",
    "a..b",
    ".a",
    "-a.com",
    "a.com\0",
    "ä.de",
    "::1",
    "x".repeat(300),
  ])
    assert.equal(given("allowedHosts", [host]), undefined, host);
});

test("envVariables: names", () => {
  assert.deepEqual(given("envVariables", ["A", "_b1"]), ["A", "_b1"]);
  for (const name of ["1A", "A B", "A=B", "", "Ä", "A\n", "*"])
    assert.equal(given("envVariables", [name]), undefined);
});

test("options of a task: defaults, and what is given", () => {
  assert.deepEqual(parseTaskOptions({ name: "main" }), { ok: true, name: "main", policy: UNDECLARED });
  assert.deepEqual(parseTaskOptions({ name: "é 1", compute: 7, ram: "1MB", timeout: "1s", maxRetries: 2 }), {
    ok: true,
    name: "é 1",
    policy: { ...UNDECLARED, fuel: 7, ram: 1024 ** 2, timeoutMs: 1000, maxRetries: 2 },
  });
  assert.deepEqual(parseTaskOptions({ name: "main", compute: undefined }), {
    ok: true,
    name: "main",
    policy: UNDECLARED,
  });
});

test("options of a task: what is wrong is named, with what is allowed", () => {
  const problem = (options: unknown): unknown => {
    const parsed = parseTaskOptions(options);
    assert.equal(parsed.ok, false);
    assert.ok(!parsed.ok && parsed.allowed);
    return parsed.ok ? null : parsed.option;
  };
  for (const options of [null, undefined, 1, "main", [], () => 1]) assert.equal(problem(options), "options");
  for (const name of [undefined, "", 1, "a\nb", "\u001b[31m", "\u009b", "x".repeat(201), "\ud800", {}])
    assert.equal(problem({ name }), "name");
  assert.equal(problem({ name: "a", timeuot: "1s" }), "timeuot");
  assert.equal(problem({ name: "a", constructor: 1 }), "constructor");
  assert.equal(problem({ name: "a", ...JSON.parse('{"__proto__":1}') }), "__proto__");
  assert.equal(problem({ name: "a", ram: "lots" }), "ram");
});

test("names of tasks", () => {
  for (const name of ["main", "x".repeat(200), "日本語", "😀", "a b", "__proto__"])
    assert.ok(isTaskName(name));
  for (const name of ["", "x".repeat(201), "a\u0000", "\udc00", "a\u007f", null])
    assert.ok(!isTaskName(name));
});

test("parsing is linear in hostile text", () => {
  const long = `${"1".repeat(100_000)}${" ".repeat(100_000)}x`;
  for (const parse of [parseCompute, parseRam, parseTimeout]) assert.equal(parse(long).ok, false);
});
