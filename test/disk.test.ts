/** What programs add to the host's disk has an end that they can catch, whatever way they add it. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { CodeOptions, Execution } from "@capsule-run/code";
import { folder, program, runFile } from "./support/capsule.ts";

const bundle = new URL("../packages/cli/dist/runtime.js", import.meta.url);
const { createCodeRuntime } = (await import(bundle.href)) as typeof import("@capsule-run/code");

const cacheDir = mkdtempSync(join(tmpdir(), "capsule-disk-test-"));
const runtime = createCodeRuntime({ cacheDir });
after(async () => {
  await runtime.close();
  rmSync(cacheDir, { recursive: true, force: true });
});

const MB = 1024 * 1024;
const limits = { timeout: "60s", disk: "10MB" };

function valueFrom({ error, value }: Execution): unknown {
  assert.equal(error, null, JSON.stringify(error));
  return value;
}

/** Runs code and looks at its workspace before it goes. */
async function run(code: string, options: CodeOptions) {
  let bytes = 0;
  const onWorkspace: CodeOptions["onWorkspace"] = ({ folder: workspace }) => {
    for (const each of readdirSync(workspace, { recursive: true }) as string[])
      bytes += 4096 + (statSync(join(workspace, each)).isFile() ? statSync(join(workspace, each)).size : 0);
  };
  const execution = await runtime.execute(code, { limits, onWorkspace, ...options });
  return { execution, bytes };
}

test("Python: a full disk is an OSError, and what is removed makes room", async () => {
  const { execution, bytes } = await run(
    `
import errno, os
os.chdir("workspace")
said = []
def tries(act):
    try:
        said.append(act() or "works")
    except OSError as error:
        said.append([errno.errorcode[error.errno], error.strerror])
def grows(name, piece=2**20):
    with open(name, "ab", buffering=0) as file:
        for _ in range(100):
            if file.write(b"x" * piece) == 0: break
tries(lambda: grows("a"))
tries(lambda: os.truncate("a", 2**40))
tries(lambda: grows("b"))
os.remove("a")
tries(lambda: open("sparse", "wb").truncate(11 * 2**20))
def seeks():
    with open("hole", "wb", buffering=0) as file:
        file.seek(2**40)
        file.write(b"x")
tries(seeks)
for name in os.listdir(): os.remove(name)
def many():
    for i in range(100_000): (os.mkdir if i % 2 else lambda name: open(name, "w").close())(f"n{i}")
tries(many)
tries(lambda: len(os.listdir()))
said
`,
    { language: "python" },
  );
  const full = ["ENOSPC", "No space left on device"];
  assert.deepEqual(valueFrom(execution), [full, full, full, full, full, full, (10 * MB) / 4096]);
  assert.ok(bytes <= 10 * MB && bytes > 9 * MB, `${bytes}`);
});

test("JavaScript: a full disk is an error with the code ENOSPC, and what is removed makes room", async () => {
  const { execution, bytes } = await run(
    `
const fs = await import("node:fs");
const said = [];
const tries = (act) => {
  try {
    said.push(act() ?? "works");
  } catch (error) {
    said.push([error.code, error.errno]);
  }
};
const piece = Buffer.alloc(2 ** 20, "x");
const at = (name) => "/app/workspace/" + name;
tries(() => {
  for (let i = 0; i < 100; i++) fs.appendFileSync(at("a"), piece);
});
tries(() => fs.truncateSync(at("a"), 2 ** 40));
tries(() => fs.mkdirSync(at("d")));
fs.rmSync(at("a"));
const [one, two] = [fs.openSync(at("b"), "a"), fs.openSync(at("b"), "r+")];
tries(() => {
  for (let i = 0; i < 100; i++) {
    fs.writeSync(one, piece);
    fs.writeSync(two, piece, 0, piece.length, i * 3 * piece.length);
  }
});
tries(() => fs.writeFileSync(at("c"), "more"));
await fs.promises.writeFile(at("c"), "more").catch((error) => said.push(error.message));
fs.rmSync(at("b"));
tries(() => fs.writeFileSync(at("c"), "more"));
for (const each of [one, two]) fs.closeSync(each);
tries(() => fs.writeFileSync(at("c"), "more"));
said
`,
    { language: "javascript" },
  );
  const full = ["ENOSPC", -28];
  const [message] = (valueFrom(execution) as unknown[]).splice(5, 1);
  assert.deepEqual(execution.value, [full, full, full, full, full, full, "works"]);
  assert.match(String(message), /^ENOSPC: no space left on device/);
  assert.ok(bytes <= 10 * MB, `${bytes}`);
});

test("a session has one budget for all its calls, with what the host puts there", async () => {
  await using session = await runtime.openSession({ language: "javascript", limits });
  await session.run("const fs = await import('node:fs'); const piece = Buffer.alloc(4 * 2 ** 20)");
  const write = async (name: string) =>
    (await session.run(`fs.writeFileSync("workspace/${name}", piece)`)).error?.message ?? "works";
  assert.equal(await write("a"), "works");
  await session.writeFile("own", "x".repeat(4 * MB));
  assert.match(await write("b"), /^ENOSPC/);
  await session.reset();
  await session.run("const fs = await import('node:fs'); const piece = Buffer.alloc(4 * 2 ** 20)");
  assert.match(await write("b"), /^ENOSPC/);
  await session.deleteFile("own");
  assert.equal(await write("b"), "works");
  await assert.rejects(session.writeFile("own", "x".repeat(4 * MB)), /ENOSPC/);
});

test("all tasks of a run share what it may add: 64 GiB, sizes of sparse files included", async () => {
  const root = folder({
    "capsule.toml": "",
    "main.ts": program(`
      import { open, truncate } from "node:fs/promises";
      const GB = 1024 ** 3;
      const options = { allowedFiles: ["./work"] };
      const grow = task({ name: "grow", ...options, maxRetries: 1 }, async (name: string, size: number) => {
        await (await open(name, "a")).close();
        await truncate(name, size);
      });
      export const main = task({ name: "main", ...options }, async () => {
        const ends = await Promise.all([grow("work/a", 40 * GB), grow("work/b", 40 * GB)]);
        await truncate("work/a", 0);
        await truncate("work/b", 0);
        ends.push(await grow("work/c", 63 * GB));
        await truncate("work/c", 0);
        return ends.flatMap(({ success, error }) => (success ? [] : [error.message]));
      });`),
  });
  mkdirSync(join(root, "work"));
  const { envelope, stderr } = await runFile<string[]>(root, "main.ts");
  assert.ok(envelope.success, stderr);
  assert.equal(envelope.result.length, 1);
  assert.match(envelope.result[0] as string, /ENOSPC: no space left on device/);
});
