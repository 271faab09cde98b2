import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { cleanEnvironment, start } from "../test/spawn.ts";

interface Choice {
  readonly node?: string;
  readonly problem?: string;
}
interface Question {
  readonly version: string;
  readonly needed: number;
  readonly from: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}
const bin = fileURLToPath(new URL("../bin/", import.meta.url));
const { chooseNode } = createRequire(import.meta.url)("../bin/elsewhere.js") as {
  chooseNode(question: Question): Choice;
};

const root = mkdtempSync(join(tmpdir(), "capsule-launcher-"));
after(() => rmSync(root, { recursive: true }));
const unix = { skip: process.platform === "win32" };

/** A folder in which the npm package `node` of a version is installed. */
function withNode(name: string, version: string, { binary = true } = {}): string {
  const folder = join(root, name, "node_modules", "node");
  mkdirSync(join(folder, "bin"), { recursive: true });
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ name: "node", version, bin: { node: "bin/node" } }),
  );
  if (binary) writeFileSync(join(folder, "bin", "node"), "");
  return join(root, name, "main.js");
}

const ask = (from: readonly string[], env: NodeJS.ProcessEnv = {}): Choice =>
  chooseNode({ version: "20.1.0", needed: 24, from, env });

test("the npm package node comes first, if it is new enough and complete", () => {
  const good = withNode("good", "24.3.0");
  const old = withNode("old", "22.9.0");
  const broken = withNode("broken", "26.0.0", { binary: false });
  const expected = join(root, "good", "node_modules", "node", "bin", "node");
  assert.equal(ask([good]).node, expected);
  assert.equal(ask([old, broken, good]).node, expected);
  assert.equal(ask([good], { CAPSULE_NODE: process.execPath }).node, expected);
  assert.equal(ask([old, broken], { CAPSULE_NODE: process.execPath }).node, process.execPath);
  assert.match(ask([broken]).problem ?? "", /its install script did not run; run npm rebuild node, or set/);
});

test("without any: one line that says what is needed", () => {
  const none = join(root, "none.js");
  assert.match(
    ask([none]).problem ?? "",
    /^Capsule needs Node 24 or newer, this is 20\.1\.0: .* CAPSULE_NODE$/,
  );
  assert.match(ask([none], { CAPSULE_NODE: "/no/node" }).problem ?? "", /"\/no\/node", which does not exist/);
  assert.match(
    ask([none], { CAPSULE_LAUNCHER: "1", CAPSULE_NODE: "/x" }).problem ?? "",
    /CAPSULE_NODE is Node 20/,
  );
});

/** A copy of the launcher that needs a Node from the future, so that this one is too old, in a package of its own. */
function install(name: string, bundle: string): string {
  const folder = join(root, name);
  for (const part of ["bin", "dist"]) mkdirSync(join(folder, part), { recursive: true });
  for (const file of ["capsule.js", "elsewhere.js", "package.json"])
    copyFileSync(join(bin, file), join(folder, "bin", file));
  writeFileSync(join(folder, "dist", "capsule.js"), bundle);
  return join(folder, "bin", "capsule.js");
}

/** Says that this Node is version 20, without `execve` unless it is wanted. */
function pretend(execve: boolean): string {
  const file = join(root, `pretend-${execve}.cjs`);
  writeFileSync(
    file,
    `if (!process.env.CAPSULE_LAUNCHER) {
      Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.0.0" } });
      ${execve ? "" : 'Object.defineProperty(process, "execve", { value: undefined });'}
    }`,
  );
  return file;
}

const launch = (launcher: string, args: readonly string[], execve = false) =>
  start(process.execPath, ["--require", pretend(execve), launcher, ...args], {
    env: cleanEnvironment({ CAPSULE_NODE: process.execPath }),
  });

test("a Node that is new enough runs the bundle itself, through a symlink too", unix, async () => {
  const launcher = install("same", "console.log(process.pid, ...process.argv.slice(2))");
  const link = join(root, "link");
  symlinkSync(launcher, link);
  const { child, ended } = start(process.execPath, [link, "run", "--x"]);
  assert.equal((await ended).stdout, `${child.pid} run --x\n`);
});

test(
  "compiled code is kept in the user's cache; a folder that can't be written is no problem",
  unix,
  async () => {
    const launcher = install("cached", 'console.log(require("node:module").getCompileCacheDir() ?? "none")');
    const where = async (env: NodeJS.ProcessEnv): Promise<string> =>
      (await start(process.execPath, [launcher], { env: cleanEnvironment(env) }).ended).stdout.trim();
    const base = { NODE_COMPILE_CACHE: undefined, CAPSULE_CACHE_DIR: undefined, XDG_CACHE_HOME: undefined };
    assert.ok(
      (await where({ ...base, CAPSULE_CACHE_DIR: join(root, "c") })).startsWith(join(root, "c/compiled")),
    );
    assert.ok(
      (await where({ ...base, XDG_CACHE_HOME: join(root, "x") })).startsWith(
        join(root, "x/capsule/compiled"),
      ),
    );
    assert.ok((await where({ ...base, HOME: root })).startsWith(join(root, ".cache/capsule/compiled")));
    assert.equal(await where({ ...base, CAPSULE_CACHE_DIR: join(launcher, "x") }), "none");
  },
);

for (const execve of [false, true])
  test(
    `another Node gets arguments, streams and exit code (${execve ? "execve" : "spawn"})`,
    unix,
    async (t) => {
      if (execve && !process.execve) return t.skip("this Node has no execve");
      const launcher = install(
        `other-${execve}`,
        'console.log(process.argv.slice(2).join(" ")); console.error("e"); process.exitCode = 7;',
      );
      const { code, stdout, stderr } = await launch(launcher, ["run", "a b", "--json"], execve).ended;
      assert.deepEqual([code, stdout, stderr], [7, "run a b --json\n", "e\n"]);
    },
  );

test("signals are passed on; an end by a signal is passed back", unix, async () => {
  const waits = install(
    "waits",
    'process.on("SIGTERM", () => process.exit(143)); setInterval(() => {}, 9); console.log("up");',
  );
  const polite = launch(waits, []);
  await polite.printed("up");
  polite.child.kill("SIGTERM");
  assert.equal((await polite.ended).code, 143);
  const dies = install("dies", 'process.kill(process.pid, "SIGKILL"); setInterval(() => {}, 9);');
  assert.equal((await launch(dies, []).ended).signal, "SIGKILL");
});

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return !/^State:\s*Z/m.test(execFileSync("cat", [`/proc/${pid}/status`], { encoding: "utf8" }));
  } catch {
    return false;
  }
};

test("nothing is left when the launcher is killed with -9", {
  skip: process.platform !== "linux",
}, async () => {
  const watcher = fileURLToPath(new URL("launched.ts", import.meta.url));
  const launcher = install(
    "killed",
    `import(${JSON.stringify(watcher)}).then(({ watchLauncher }) => { watchLauncher(); console.log("pid", process.pid, ";"); }); setInterval(() => {}, 9);`,
  );
  const { child, ended, printed } = launch(launcher, []);
  await printed(";");
  child.kill("SIGKILL");
  const pid = Number(/pid (\d+)/.exec((await ended).stdout)?.[1]);
  assert.notEqual(pid, child.pid);
  for (let tries = 0; alive(pid) && tries < 100; tries++) await delay(50);
  assert.equal(alive(pid), false);
});

test("an old Node, if the machine has one", unix, async (t) => {
  const old = oldNode();
  if (!old) return t.skip("there is none");
  const launcher = install("real", 'console.log(process.versions.node, process.argv.slice(2).join(" "))');
  const env = (extra: NodeJS.ProcessEnv) => cleanEnvironment(extra);
  const good = await start(old, [launcher, "run"], { env: env({ CAPSULE_NODE: process.execPath }) }).ended;
  assert.equal(good.stdout, `${process.versions.node} run\n`);
  const none = await start(old, [launcher, "run"], { env: env({}) }).ended;
  assert.deepEqual([none.code, none.stdout], [2, ""]);
  assert.match(none.stderr, /^error: Capsule needs Node 24 or newer, this is .* \[node-version\]\n$/);
  // A CAPSULE_NODE that is too old itself must not start itself for ever.
  const loop = await start(old, [launcher, "run"], { env: env({ CAPSULE_NODE: old }) }).ended;
  assert.equal(loop.code, 2);
  assert.match(loop.stderr, /^error: CAPSULE_NODE is Node /);
});

/** A Node on PATH that is older than 24. */
function oldNode(): string | null {
  for (const folder of (process.env.PATH ?? "").split(":")) {
    const file = join(folder, "node");
    try {
      const version = execFileSync(file, ["--version"], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      });
      if (Number.parseInt(version.slice(1), 10) < 24) return file;
    } catch {
      // None there.
    }
  }
  return null;
}
