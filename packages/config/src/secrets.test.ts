import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { LIMITS, UsageError } from "@capsule-run/protocol";
import { parseSecret, resolveSecret, type SecretSource } from "./index.ts";

const root = mkdtempSync(join(tmpdir(), "capsule-test-"));
after(() => rmSync(root, { recursive: true, force: true }));

const hosts = ["api.example.com"];

test("reads what a secret may say", () => {
  const plain = { name: "KEY", hosts, query: false, body: false, source: { from: "environment" } };
  const cases: readonly [value: unknown, expected: object][] = [
    [{ hosts }, plain],
    [
      { hosts: ["API.example.com", "*.example.com:8443"] },
      { ...plain, hosts: ["api.example.com", "*.example.com:8443"] },
    ],
    [
      { hosts, query: true, body: true },
      { ...plain, query: true, body: true },
    ],
    [
      { hosts, file: "../key" },
      { ...plain, source: { from: "file", path: "../key" } },
    ],
    [
      { hosts, command: "pass key" },
      { ...plain, source: { from: "command", command: "pass key" } },
    ],
    [
      { hosts, command: ["pass", "", "key"] },
      { ...plain, source: { from: "command", command: ["pass", "", "key"] } },
    ],
  ];
  for (const [value, expected] of cases)
    assert.deepEqual(parseSecret("KEY", value), { ok: true, value: expected });
});

const WRONG: readonly [what: string, value: unknown, allowed: RegExp][] = [
  ["a value", "sk-123", /^a table with its hosts, such as \{ hosts = \["api\.example\.com"\] \}/],
  ["a list", ["api.example.com"], /^a table with its hosts/],
  ["nothing", {}, /"hosts" is a list of host names/],
  ["no hosts", { hosts: [] }, /"hosts" is a list of host names/],
  ["every host", { hosts: ["*"] }, /"\*" is not among them/],
  ["one host", { hosts: "api.example.com" }, /"hosts" is a list/],
  ["a URL", { hosts: ["https://api.example.com/"] }, /"hosts" is a list/],
  [
    "an unknown key",
    { hosts, value: "x" },
    /^a table of hosts, file, command, query, body: there is no "value"$/,
  ],
  ["two sources", { hosts, file: "x", command: "y" }, /one source/],
  ["a number for a file", { hosts, file: 1 }, /"file" is a path/],
  ["an empty file", { hosts, file: "" }, /"file" is a path/],
  ["an empty command", { hosts, command: [] }, /"command" is text for the shell or a list/],
  ["numbers in a command", { hosts, command: ["x", 1] }, /"command" is/],
  ["text for query", { hosts, query: "yes" }, /"query" is true or false/],
  ["text for body", { hosts, body: "yes" }, /"body" is true or false/],
];
for (const [what, value, allowed] of WRONG)
  test(`refuses ${what}`, () => {
    const parsed = parseSecret("KEY", value);
    assert.ok(!parsed.ok);
    assert.match(parsed.allowed, allowed);
  });

test("refuses an odd name", () => {
  const parsed = parseSecret("MY-KEY", { hosts });
  assert.match(parsed.ok ? "" : parsed.allowed, /^named like an environment variable/);
});

const values: Readonly<Record<string, string>> = { KEY: "from-environment" };
const NEVER = new AbortController().signal;
const resolved = (source: SecretSource, name = "KEY", signal = NEVER): Promise<string> =>
  resolveSecret(
    { name, hosts, query: false, body: false, source },
    root,
    { get: (each) => values[each] },
    signal,
  );

const node = (code: string): SecretSource => ({ from: "command", command: [process.execPath, "-e", code] });

test("takes the value from where it is", async () => {
  mkdirSync(join(root, "keys"));
  writeFileSync(join(root, "keys/a"), "from-a-file\r\n");
  writeFileSync(join(root, "keys/b"), "from-a-file \n\n");
  assert.equal(await resolved({ from: "environment" }), "from-environment");
  assert.equal(await resolved({ from: "file", path: "keys/a" }), "from-a-file");
  assert.equal(await resolved({ from: "file", path: join(root, "keys/a") }), "from-a-file");
  await assert.rejects(resolved({ from: "file", path: "keys/b" }), /line break/);
  assert.equal(await resolved(node('console.log("from-a-command")')), "from-a-command");
  assert.equal(
    await resolved(node("console.log(process.cwd().length + 10_000_000)")),
    `${root.length + 10_000_000}`,
  );
  assert.equal(await resolved({ from: "command", command: "echo from-a-shell" }), "from-a-shell");
  assert.equal(await resolved({ from: "command", command: "cat; echo no-stdin" }), "no-stdin");
});

const FAILING: readonly [what: string, source: SecretSource, message: RegExp][] = [
  ["a file that is not there", { from: "file", path: "none" }, /KEY has no value: there is no file "none"/],
  ["a folder", { from: "file", path: "." }, /"\." is not a file/],
  ["a device", { from: "file", path: "/dev/zero" }, /is not a file/],
  ["a large file", { from: "file", path: "large" }, /"large" has more than/],
  ["a file of bytes", { from: "file", path: "bytes" }, /"bytes" is not UTF-8 text/],
  ["an empty file", { from: "file", path: "empty" }, /its value is empty/],
  ["a short value", node('console.log("1234567")'), /7 characters/],
  [
    "a command that fails",
    node('console.error("\\x1b[31mlocked"); process.exit(3)'),
    /ended with 3:\nlocked/,
  ],
  ["a command that is killed", node("process.kill(process.pid, 'SIGKILL')"), /was ended by SIGKILL/],
  ["a command that is not there", { from: "command", command: ["./none"] }, /"\.\/none" can't be run/],
  [
    "a command that prints much",
    node('const more = () => process.stdout.write("x".repeat(65536), more); more()'),
    /printed more than/,
  ],
  ["a command that prints bytes", node("process.stdout.write(Buffer.alloc(9, 255))"), /not UTF-8/],
];
for (const [what, source, message] of FAILING)
  test(`refuses ${what}`, async () => {
    writeFileSync(join(root, "large"), Buffer.alloc(LIMITS.environmentBytes + 1, "x"));
    writeFileSync(join(root, "bytes"), Buffer.alloc(9, 255));
    writeFileSync(join(root, "empty"), "\n");
    await assert.rejects(resolved(source), (error) => {
      assert.ok(error instanceof UsageError && error.slug === "secret", String(error));
      assert.match(error.text, message);
      assert.ok(!error.text.includes("1234567") && !error.text.includes("\x1b"));
      return true;
    });
  });

test("a variable that is not set is said", async () => {
  await assert.rejects(resolved({ from: "environment" }, "NONE"), /The secret NONE has no value: neither/);
});

test("a command that never ends is ended, with what it has started holding its output", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const waiting = resolved({ from: "command", command: "sleep 2 & sleep 2" });
  context.mock.timers.tick(LIMITS.secretCommandMs);
  const start = performance.now();
  await assert.rejects(waiting, /took more than 30 s/);
  assert.ok(performance.now() - start < 1500);
});

test("a command ends with who waits for it, before it has begun too", async () => {
  const controller = new AbortController();
  const forever = node("setInterval(() => {}, 1000)");
  const waiting = resolved(forever, "KEY", controller.signal);
  controller.abort();
  await assert.rejects(waiting, /was given up/);
  await assert.rejects(resolved(forever, "KEY", controller.signal), /was given up/);
});
