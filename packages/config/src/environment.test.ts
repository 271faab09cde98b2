import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ENVIRONMENT_FILES, LIMITS } from "@capsule-run/protocol";
import { openVariables, readEnvironment, withoutSecrets } from "./index.ts";

/** A folder with files; removed at the end of the test. */
function folder(files: Readonly<Record<string, string | Uint8Array>>): { root: string } & Disposable {
  const root = mkdtempSync(join(tmpdir(), "capsule-test-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text);
  return { root, [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }) };
}

test("a later file wins over an earlier one, and the process over all", () => {
  const names = ["A", "B", "C", "D", "E"];
  // .env has A to D, the last one A only.
  const files = ENVIRONMENT_FILES.map(
    (file, i) =>
      [
        file,
        names
          .slice(0, 4 - i)
          .map((name) => `${name}=${file}`)
          .join("\n"),
      ] as const,
  );
  using at = folder(Object.fromEntries(files));
  const { get, warnings } = readEnvironment(at.root, { E: "process" });
  assert.deepEqual(names.map(get), [".env.production", ".env.development", ".env.local", ".env", "process"]);
  assert.deepEqual(warnings, []);
  const own = readEnvironment(at.root, { A: "process", B: "", C: undefined });
  assert.deepEqual(["A", "B", "C"].map(own.get), ["process", "", ".env.local"]);
  assert.deepEqual([...own.names()].sort(), ["A", "B", "C", "D"]);
});

test("without files there is the process alone, and nothing inherited", () => {
  using at = folder({});
  const { get } = readEnvironment(at.root, { A: "1", "B C": "2" });
  assert.deepEqual(readEnvironment(at.root, { A: "1", "B C": "2" }).names(), ["A"]);
  assert.deepEqual(["A", "B", "B C", "toString", "__proto__", ""].map(get), [
    "1",
    ...Array(5).fill(undefined),
  ]);
});

test("lines are read as is usual", () => {
  using at = folder({
    ".env":
      "\ufeffFIRST=1\r\nexport EXPORTED=2\r\n# COMMENT=3\r\nQUOTED=\"a # b\" # c\r\nSINGLE='\\n$A'\r\n" +
      'BLANK= \r\nEMPTY=\r\nAFTER=4\r\nNO_LINE\r\nLINES="x\ny"\nBREAK="x\\ny"\nEQUALS=a=b==\nmy-name=5\n__proto__=6\n LAST = 7 ',
  });
  const { get, warnings } = readEnvironment(at.root, {});
  const expected: Readonly<Record<string, string | undefined>> = {
    FIRST: "1",
    EXPORTED: "2",
    COMMENT: undefined,
    QUOTED: "a # b",
    SINGLE: "\\n$A",
    BLANK: "",
    EMPTY: "",
    AFTER: "4",
    NO_LINE: undefined,
    LINES: "x\ny",
    BREAK: "x\ny",
    EQUALS: "a=b==",
    "my-name": undefined,
    LAST: "7",
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(get(name), value, name);
  // The parser of Node 24 loses a variable of this name; what objects inherit is never one.
  assert.ok(["6", undefined].includes(get("__proto__")));
  assert.deepEqual(warnings, []);
});

test("files that can't be used are left out with a warning, and folders without", () => {
  using at = folder({
    ".env.local": `A=${"x".repeat(LIMITS.environmentBytes)}`,
    ".env.development": Buffer.from("A=\xff", "latin1"),
    ".env.production": "A=\0",
  });
  mkdirSync(join(at.root, ".env"));
  const { get, warnings } = readEnvironment(at.root, {});
  assert.equal(get("A"), undefined);
  assert.deepEqual(warnings, [
    ".env.local is not used: it has more than 1048576 bytes",
    ".env.development is not used: it is not UTF-8 text",
    ".env.production is not used: it holds a NUL",
  ]);
});

test("a FIFO is not waited for, and what may not be read is said", {
  skip: process.platform === "win32",
}, () => {
  using at = folder({ ".env": "A=1" });
  chmodSync(join(at.root, ".env"), 0);
  spawnSync("mkfifo", [join(at.root, ".env.local")]);
  const { warnings } = readEnvironment(at.root, {});
  const asRoot = process.getuid?.() === 0;
  assert.deepEqual(warnings, [
    ...(asRoot ? [] : [".env is not used: it can't be read (EACCES)"]),
    ".env.local is not used: it is not a file",
  ]);
});

test("a secret's variable has no plain value", () => {
  const get = withoutSecrets({ get: (name) => `the value of ${name}` }, [{ name: "API_KEY" }]);
  assert.deepEqual(["API_KEY", "REGION"].map(get), [undefined, "the value of REGION"]);
  // There a variable has one name, however it is written.
  assert.equal(get("api_key"), process.platform === "win32" ? undefined : "the value of api_key");
});

test("files are read, and their warnings told, when the first variable is asked for", () => {
  const told: string[] = [];
  let reads = 0;
  const variables = openVariables(
    () => {
      reads++;
      return { get: (name) => name, names: () => ["A"], warnings: ["odd"] };
    },
    (message) => told.push(message),
  );
  assert.deepEqual([reads, told], [0, []]);
  assert.deepEqual([variables.get("A"), variables.names(), variables.get("B")], ["A", ["A"], "B"]);
  assert.deepEqual([reads, told], [1, ["odd"]]);
});
