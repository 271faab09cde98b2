/** What is published works where there is nothing but the packages: packed, installed into an empty folder, and used. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { buildWheels } from "../scripts/build-wheels.ts";
import { pack, publishedPackages } from "../scripts/pack.ts";
import { type Ended, folder, start } from "./support/capsule.ts";

const README = readFileSync(new URL("../README.md", import.meta.url), "utf8");

/** The code of a section of the readme. */
function blocks(heading: string, language: string): readonly string[] {
  const [, section = ""] = README.split(`\n## ${heading}\n`);
  const [own = ""] = section.split("\n## ");
  return [...own.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms"))].map(
    ([, code = ""]) => code,
  );
}

const [fromTypeScript = ""] = blocks("From code", "ts");
const [fromPython = ""] = blocks("From code", "python");
const [toolsOfTypeScript = ""] = blocks("Tools", "ts");
const [toolsOfPython = "", agent = ""] = blocks("Tools", "python");
const [codeFromTypeScript = ""] = blocks("Code that a model wrote", "ts");
const [codeFromPython = ""] = blocks("Code that a model wrote", "python");

/** What a user writes: the quick starts of the readmes. */
const PROGRAMS: Readonly<Record<string, string>> = {
  "hello.ts": `import { task } from "@capsule-run/sdk";
const greet = task({ name: "greet", compute: "LOW" }, async (name: string): Promise<string> => \`Hello \${name}!\`);
export const main = task({ name: "main" }, async (name: string = "TypeScript") => {
  const answer = await greet(name);
  return answer.success ? answer.result : answer.error.message;
});
`,
  "hello.py": `from capsule import task


@task
def main(name: str = "Python") -> str:
    return f"Hello {name}!"
`,
  "sandbox.ts": `import { task } from "@capsule-run/sdk";
export const main = task({ name: "main" }, (a: number, b: number): number => a * b);
`,
  "sandbox.py": `def main(a: int, b: int) -> int:
    return a * b
`,
  "host.ts": fromTypeScript,
  "host.py": fromPython,
  "agent.py": agent,
  "tools.ts": `import { run } from "@capsule-run/sdk/runner";
${toolsOfTypeScript}
console.log(answer.result);
`,
  "adapter.mjs": codeFromTypeScript,
  "adapter.py": codeFromPython,
  "host.mjs": `import { run, task } from "@capsule-run/sdk";
console.log(typeof task, (await run({ file: "./hello.ts" })).result);
`,
  "host.cjs": `const { run, task } = require("@capsule-run/sdk");
const { createRuntime, UsageError } = require("@capsule-run/sdk/runner");
async function main() {
  const runtime = await createRuntime();
  const { result } = await runtime.run({ file: "./hello.py", args: ["CommonJS"] });
  await runtime.close();
  const slug = await run({ file: "./none.ts" }).catch((error) => error instanceof UsageError && error.slug);
  console.log(typeof task, result, slug);
}
main();
`,
  "tools.py": `from capsule import run_sync
${toolsOfPython}
print(answer["result"])
`,
  "metered.mjs": `import { GATE, rewrite } from "@capsule-run/wasm";
import { FuelTank } from "@capsule-run/wasm/host";
// (module (func (export "run") (loop br 0)))
const endless = Uint8Array.from([0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 7, 1, 3, 114, 117, 110, 0, 0, 10, 9, 1, 7, 0, 3, 64, 12, 0, 11, 11]);
const { wasm } = rewrite(endless, { keepExports: ["run"] });
const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm), {});
const gate = new WebAssembly.Instance(new WebAssembly.Module(GATE), { capsule: { yield: () => 1 } });
exports.capsule_gate.set(0, gate.exports.gate);
exports.capsule_fuel.value = 1_000_000;
try { exports.run(); } catch (error) { console.log(error.constructor.name, typeof FuelTank); }
`,
  "types.mts": `import { run, type TaskResult, task, ToolError, tool, tools } from "@capsule-run/sdk";
import { createRuntime, type RunResult } from "@capsule-run/sdk/runner";
import { rewrite } from "@capsule-run/wasm";
import { SLICE } from "@capsule-run/wasm/host";
import { runPython, Session } from "@capsule-run/adapter";
const double = task({ name: "double" }, async (n: number) => n * 2);
export const doubled: Promise<TaskResult<number>> = double(1);
export const answer: Promise<RunResult<string>> = run<string>({ file: "hello.ts" });
export const text: Promise<string> = runPython("1");
export const bytes: Uint8Array = rewrite(new Uint8Array(), { keepExports: [] }).wasm;
export const more: readonly [number, typeof createRuntime, typeof Session] = [SLICE, createRuntime, Session];
export const price = tool({ handler: () => { throw new ToolError("no such item", { type: "NotFound" }); } });
export const found: Promise<string[]> = tools.search<string[]>("tea");
// @ts-expect-error: an option that there is not
task({ name: "x", computed: "LOW" }, () => 1);
`,
  "types.cts": `import sdk = require("@capsule-run/sdk");
import runner = require("@capsule-run/sdk/runner");
import adapter = require("@capsule-run/adapter");
export const answer: Promise<runner.RunResult<string>> = sdk.run<string>({ file: "hello.ts" });
export const text: Promise<string> = adapter.runPython("1");
`,
};

/** How TypeScript looks packages up, in the ways that people have configured. */
const RESOLUTIONS: Readonly<Record<string, { readonly files: readonly string[]; readonly options: object }>> =
  {
    node16: { files: ["types.mts", "types.cts"], options: { module: "node16" } },
    nodenext: {
      files: ["types.mts", "types.cts", "hello.ts", "host.ts", "tools.ts"],
      options: { module: "nodenext" },
    },
    bundler: { files: ["types.mts", "hello.ts"], options: { module: "esnext", moduleResolution: "bundler" } },
  };

const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");

const home = folder({
  "package.json": '{ "private": true, "type": "module" }',
  "capsule.toml": "",
  ...PROGRAMS,
});
const tarballs = folder();

const inside = (tarball: string, ...args: string[]): string =>
  execFileSync("tar", [...args, "-f", tarball], { encoding: "utf8", maxBuffer: 1e8 });
const run = (command: string, ...args: string[]): Promise<Ended> => start(command, args, { cwd: home }).ended;
const node = (...args: string[]): Promise<Ended> => run(process.execPath, ...args);

async function prints(ended: Promise<Ended>, stdout: string): Promise<void> {
  const { code, stdout: printed, stderr } = await ended;
  assert.deepEqual([code, printed], [0, stdout], stderr);
}

const paths = await pack(tarballs);
const missing = install();

/** Installs the packages with what they need from the registry; what keeps npm from that, if it is the network. */
function install(): string | false {
  const options = ["--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"];
  try {
    execFileSync("npm", ["install", ...options, ...paths], { cwd: home, encoding: "utf8", stdio: "pipe" });
    return false;
  } catch (error) {
    const { stderr } = error as { readonly stderr: string };
    if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH/.test(stderr))
      return "npm reaches no registry";
    throw error;
  }
}

test("every published package is packed: lean, with licences, for nobody's machine", () => {
  const released = publishedPackages();
  assert.ok(released.length >= 3);
  assert.equal(paths.length, released.length);
  for (const [i, { manifest }] of released.entries()) {
    const tarball = paths[i] as string;
    const files = inside(tarball, "-t")
      .trim()
      .split("\n")
      .map((name) => name.replace(/^package\//, ""));
    const about = basename(tarball);
    for (const name of ["package.json", "README.md", "LICENSE", "NOTICE"])
      assert.ok(files.includes(name), `${about}: ${name}`);
    const others = files.filter((name) => !/^(?:dist|bin)\//.test(name) && !/^[A-Z]+(?:\.md)?$/.test(name));
    assert.deepEqual(others, ["package.json"], about);
    const sources = files.filter((name) => /(?<!\.d)\.[cm]?ts$|\.test\.|testing|\.map$|tsconfig/.test(name));
    assert.deepEqual(sources, [], about);
    const published = JSON.parse(inside(tarball, "-xO", "package/package.json"));
    assert.equal(published.version, manifest.version);
    for (const field of ["devDependencies", "scripts", "private", "publishConfig", "repository"])
      assert.equal(published[field], undefined, `${about}: ${field}`);
    for (const target of targetsOf(published.exports))
      assert.ok(files.includes(target), `${about}: ${target}`);
    const texts = inside(tarball, "-xO");
    assert.doesNotMatch(
      texts,
      new RegExp(RegExp.escape(fileURLToPath(new URL("..", import.meta.url)))),
      about,
    );
    assert.doesNotMatch(inside(tarball, "-xO", "package/README.md"), /\]\(\.\.?\//, about);
  }
});

/** Whether there is a Python that can make virtual environments and install into them. */
function hasPython(): boolean {
  const args = ["-c", "import sys, venv, pip; assert sys.version_info >= (3, 10)"];
  return spawnSync("python3", args, { stdio: "ignore" }).status === 0;
}

/** All files that a field `exports` names. */
function targetsOf(exports: unknown): string[] {
  if (typeof exports === "string") return [exports.replace(/^\.\//, "")];
  return Object.values(exports ?? {}).flatMap(targetsOf);
}

describe("in an empty folder, with nothing but the packages", { skip: missing }, () => {
  const capsule = (...args: string[]): Promise<Ended> => run("npx", "capsule", ...args);

  test("npx capsule run, in TypeScript and in Python", async () => {
    await prints(capsule("run", "hello.ts"), "Hello TypeScript!\n");
    await prints(capsule("run", "hello.py", "npx"), "Hello npx!\n");
  });
  test("run() from TypeScript, from JavaScript modules, from CommonJS", async () => {
    await prints(node("host.ts"), "42\n");
    await prints(node("tools.ts"), "[ 'about tea' ]\n");
    await prints(node("host.mjs"), "function Hello TypeScript!\n");
    await prints(node("host.cjs"), "function Hello CommonJS! file-not-found\n");
  });
  test("code that a model wrote", () => prints(node("adapter.mjs"), "16\n2\n"));
  test("an MCP server", async () => {
    const clientInfo = { name: "test", version: "1" };
    const params = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo };
    const asked = { jsonrpc: "2.0", id: 1, method: "initialize", params };
    const started = start("npx", ["mcp-server"], { cwd: home, stdio: ["pipe", "pipe", "pipe"] });
    started.child.stdin?.end(`${JSON.stringify(asked)}\n`);
    const { stdout, stderr } = await started.ended;
    assert.equal(JSON.parse(stdout).result?.serverInfo.name, "capsule", stderr);
  });
  test("metering", () => prints(node("metered.mjs"), "RuntimeError function\n"));

  for (const [name, { files, options }] of Object.entries(RESOLUTIONS))
    test(`types, as TypeScript resolves them with ${name}`, async () => {
      const given = Object.entries({ target: "esnext", lib: "esnext,dom", types: "", ...options }).flatMap(
        ([option, value]) => [`--${option}`, String(value)],
      );
      const flags = ["--noEmit", "--strict", "--allowImportingTsExtensions", "--ignoreConfig"];
      await prints(node(tsc, ...flags, ...given, ...files), "");
    });

  test("the SDK alone says what it needs", async () => {
    const alone = folder({
      "package.json": '{ "private": true }',
      "host.mjs": PROGRAMS["host.mjs"] as string,
    });
    const sdk = paths.find((path) => /-sdk-/.test(path)) as string;
    execFileSync("npm", ["install", "--no-audit", "--no-fund", "--offline", "--loglevel=error", sdk], {
      cwd: alone,
    });
    const installed = JSON.parse(readFileSync(join(alone, "node_modules/.package-lock.json"), "utf8"));
    assert.deepEqual(Object.keys(installed.packages), ["node_modules/@capsule-run/sdk"]);
    const { code, stderr } = await start(process.execPath, ["host.mjs"], { cwd: alone }).ended;
    assert.equal(code, 1);
    assert.match(
      stderr,
      /@capsule-run\/cli is not installed; run\(\) needs it: npm install @capsule-run\/cli@/,
    );
  });
});

const noWheels = hasPython() ? installWheels() : "no python3";

/** Installs the wheels with what they need from the registry, as users do; what keeps pip from that, if it is the network. */
function installWheels(): string | false {
  const wheels = folder();
  const names = buildWheels().map(({ name, bytes }) => {
    writeFileSync(join(wheels, name), bytes);
    return join(wheels, name);
  });
  execFileSync("python3", ["-m", "venv", "--without-pip", ".venv"], { cwd: home });
  const pip = ["-m", "pip", "--disable-pip-version-check", "--python", inEnvironment("python")];
  const { status, stderr } = spawnSync("python3", [...pip, "install", "-q", ...names], {
    cwd: home,
    encoding: "utf8",
  });
  if (status === 0) return false;
  if (/NewConnectionError|ConnectTimeout|Temporary failure|No matching distribution/.test(stderr))
    return "pip reaches no registry";
  throw new Error(stderr);
}

function inEnvironment(name: string): string {
  return join(home, ".venv", process.platform === "win32" ? "Scripts" : "bin", name);
}

describe("in a virtual environment, with nothing but the wheels and no Node but theirs", {
  skip: noWheels,
}, () => {
  const python = (...args: string[]): Promise<Ended> =>
    start(inEnvironment("python"), args, {
      cwd: home,
      extra: { PATH: dirname(inEnvironment("python")) },
    }).ended;
  // The command itself is a script that names its Python.
  const capsule = (...args: string[]): Promise<Ended> => python(inEnvironment("capsule"), ...args);

  test("capsule run, in Python and in TypeScript", async () => {
    await prints(capsule("run", "hello.py"), "Hello Python!\n");
    await prints(capsule("run", "hello.ts", "pip"), "Hello pip!\n");
  });
  test("run() from Python, with tools", async () => {
    await prints(python("host.py"), "42\n");
    await prints(python("tools.py"), "['about tea']\n");
  });
  test("code that a model wrote", () => prints(python("adapter.py"), "16\n2\n"));
});
