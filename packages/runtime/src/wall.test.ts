/** Wall two: what a cell's process can and can't do, on the Node that runs this test. Linux only, where it can be seen. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startCell } from "@capsule-run/cell";
import { cellScript, javascriptEngine } from "./parts.ts";
import { cellsOf, lives, Project, until } from "./testing/project.ts";

const linux = { skip: process.platform !== "linux" };
const folder = mkdtempSync(join(tmpdir(), "capsule-wall-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a script as a cell is run, and gives what it prints. */
async function inCell(script: string): Promise<Record<string, unknown>> {
  const engine = join(folder, "engine");
  mkdirSync(engine, { recursive: true });
  writeFileSync(join(engine, "engine.json"), "{}");
  writeFileSync(join(folder, "secret"), "secret");
  const path = join(folder, "cell.cjs");
  writeFileSync(
    path,
    `const { createRequire } = require("node:module");
     const attempt = async (f) => { try { return "can: " + String(await f()); } catch (e) { return e.code ?? e.name ?? String(e); } };
     const folder = ${JSON.stringify(folder)};
     (async () => { ${script} })().then((seen) => { require("node:fs").writeSync(1, JSON.stringify(seen)); process.exit(0); });`,
  );
  const cell = startCell({ script: path, engine, variant: "full" });
  let out = "";
  cell.stdout?.on("data", (chunk: Buffer) => {
    out += chunk;
  });
  let errors = "";
  cell.stderr?.on("data", (chunk: Buffer) => {
    errors += chunk;
  });
  await new Promise((resolve) => cell.on("close", resolve));
  assert.notEqual(out, "", errors);
  return JSON.parse(out) as Record<string, unknown>;
}

/** Resolves when a process has said something. */
const said = (child: ChildProcess): Promise<void> =>
  new Promise((resolve, reject) => {
    child.stdout?.once("data", () => resolve());
    child.once("exit", () => reject(new Error("it ended without a word")));
  });

function assertRefused(seen: Record<string, unknown>): void {
  for (const [what, how] of Object.entries(seen))
    assert.doesNotMatch(String(how), /^can: /, `a cell can ${what}: ${String(how)}`);
}

test("files: it reads its engine and nothing else, and writes nothing", linux, async () => {
  const { engine, ...rest } = await inCell(`
    const fs = require("node:fs");
    return {
      engine: await attempt(() => fs.readFileSync(folder + "/engine/engine.json", "utf8")),
      "read a file beside it": await attempt(() => fs.readFileSync(folder + "/secret")),
      "read upwards": await attempt(() => fs.readFileSync(folder + "/engine/../secret")),
      "read /etc/passwd": await attempt(() => fs.readFileSync("/etc/passwd")),
      "read its own memory map": await attempt(() => fs.readFileSync("/proc/self/maps")),
      "read the environment of others": await attempt(() => fs.readFileSync("/proc/${process.pid}/environ")),
      "list folders": await attempt(() => fs.readdirSync(folder)),
      "see that a file is there": await attempt(() => fs.statSync("/etc/passwd").size),
      "write beside": await attempt(() => fs.writeFileSync(folder + "/new", "x")),
      "write to its engine": await attempt(() => fs.writeFileSync(folder + "/engine/engine.json", "x")),
      "write to its script": await attempt(() => fs.appendFileSync(__filename, "x")),
      "make folders": await attempt(() => fs.mkdirSync(folder + "/new")),
      "remove": await attempt(() => fs.rmSync(folder + "/engine/engine.json")),
      "rename": await attempt(() => fs.renameSync(folder + "/engine/engine.json", folder + "/engine/e")),
      "link": await attempt(() => fs.symlinkSync(folder + "/secret", folder + "/engine/link")),
      "open a database": await attempt(() => new (require("node:sqlite").DatabaseSync)(folder + "/db")),
      "load a module": await attempt(() => createRequire(folder + "/x.js")("./secret")),
      "load an addon": await attempt(() => process.dlopen({ exports: {} }, folder + "/secret")),
    };`);
  assert.equal(engine, "can: {}");
  assertRefused(rest);
  assert.deepEqual(readdirSync(join(folder, "engine")), ["engine.json"]);
  assert.deepEqual(readdirSync(folder).sort(), ["cell.cjs", "engine", "secret"]);
});

test("processes, threads and code: none", linux, async () => {
  assertRefused(
    await inCell(`return {
      "start a process": await attempt(() => require("node:child_process").execFileSync("/bin/true")),
      "fork itself": await attempt(() => require("node:child_process").fork(__filename)),
      "start a worker": await attempt(() => new (require("node:worker_threads").Worker)("1", { eval: true })),
      "use WASI": await attempt(() => new (require("node:wasi").WASI)({ version: "preview1" })),
      "open an inspector": await attempt(() => require("node:inspector").open(0)),
      "eval": await attempt(() => eval("1")),
      "make functions of text": await attempt(() => new Function("return 1")()),
    };`),
  );
});

/** Before Node 26 it takes a namespace, which not every system lets everybody have. */
const closable =
  Number(process.versions.node.split(".")[0]) >= 26 || spawnSync("unshare", ["-rn", "true"]).status === 0;

test("network: none", { skip: linux.skip || !closable }, async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  try {
    const seen = await inCell(`
      const net = require("node:net");
      const connect = (options) => attempt(() => new Promise((resolve, reject) => {
        net.connect(options).on("connect", () => resolve("connected")).on("error", reject);
      }));
      return {
        "connect to this machine": await connect({ port: ${port}, host: "127.0.0.1" }),
        "send a datagram": await attempt(() => new Promise((resolve, reject) => require("node:dgram").createSocket("udp4").on("error", reject).send("x", 53, "192.0.2.1", (e) => e ? reject(e) : resolve("sent")))),
        "fetch": await attempt(() => fetch("http://127.0.0.1:${port}/")),
        "resolve names": await attempt(() => require("node:dns").promises.lookup("example.com")),
      };`);
    assertRefused(seen);
  } finally {
    server.close();
  }
});

test("its process: no environment, a group of its own, no descriptors but its pipes", linux, async () => {
  const seen = await inCell(`
    return { env: Object.keys(process.env), cwd: process.cwd(), pid: process.pid, args: process.argv.slice(2).length };`);
  assert.deepEqual(seen.env, []);
  assert.equal(seen.cwd, "/");

  const script = cellScript("javascript");
  const cell = startCell({ script, engine: javascriptEngine(), variant: "full" });
  try {
    assert.ok(cell.pid);
    await said(cell);
    const stat = readFileSync(`/proc/${cell.pid}/stat`, "utf8");
    const group = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2]);
    assert.equal(group, cell.pid);
    const open = readdirSync(`/proc/${cell.pid}/fd`)
      .map(Number)
      .filter((fd) => fd <= 2);
    assert.deepEqual(open, [0, 1, 2]);
    assert.equal(readFileSync(`/proc/${cell.pid}/environ`, "utf8"), "");
  } finally {
    cell.kill("SIGKILL");
  }
});

const project = new Project();
after(() => project[Symbol.asyncDispose]());
project.write(
  "busy.ts",
  `const spin = task({ name: "spin", compute: "HIGH" }, () => { for (;;); });
   export const main = task({ name: "main", compute: "HIGH" }, async (how: string) => {
     console.log("begun");
     if (how === "spin") for (;;);
     if (how === "both") return spin().error;
     if (how === "idle") await new Promise((r) => setTimeout(r, 600_000));
     if (how === "print") for (;;) console.log("x".repeat(10_000));
     if (how === "sort") for (;;) Array.from({ length: 200_000 }, (_, i) => (i * 7919) % 200_003).sort();
   });`,
);

for (const how of ["spin", "both", "idle", "print", "sort"])
  test(`a host that is killed leaves no cell behind: ${how}`, linux, async () => {
    const script = fileURLToPath(new URL("testing/host.ts", import.meta.url));
    const host = spawn(process.execPath, [script, "busy.ts", project.folder, how], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await said(host);
    const cells = cellsOf(host.pid as number);
    assert.ok(cells.length > 0);
    host.kill("SIGKILL");
    const at = performance.now();
    assert.ok(await until(() => !cells.some(lives)), "all are gone");
    assert.ok(performance.now() - at < 2000, "soon");
  });
