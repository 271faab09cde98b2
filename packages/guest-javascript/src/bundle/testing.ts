import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { EvalFlags, QuickJS } from "quickjs-wasi";
import { PROGRAM_FILE } from "../door.ts";
import { type Bundle, bundleProgram } from "./bundle.ts";

/** For tests: a project in a folder of its own, with a small SDK beside it. */
export interface TestProject extends Disposable {
  readonly root: string;
  readonly sdk: string;
  path(name: string): string;
  write(files: Readonly<Record<string, string>>): void;
  bundle(file: string, data?: readonly string[]): Promise<Bundle>;
}

const SDK = `export const task = (options, run) => run;
export type TaskResult = unknown;
`;

export function testProject(files: Readonly<Record<string, string>>): TestProject {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "capsule-test-")));
  const root = join(folder, "project");
  const sdk = join(folder, "sdk", "guest.ts");
  const write = (names: Readonly<Record<string, string>>, base = root) => {
    for (const [name, text] of Object.entries(names)) {
      const path = join(base, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
  };
  write({ "sdk/guest.ts": SDK, "sdk/package.json": '{"version":"1.2.3"}' }, folder);
  write(files);
  return {
    root,
    sdk,
    path: (name) => join(root, name),
    write,
    bundle: (file, data) => bundleProgram({ file, root, sdk, cwd: root, data }),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** How a program ended in the engine. */
export interface EngineRun {
  /** `globalThis.out` as JSON gives it back. */
  readonly out: unknown;
  readonly error: { readonly name: string; readonly message: string; readonly stack: string } | null;
}

const wasm = readFileSync(new URL(import.meta.resolve("quickjs-wasi/quickjs.wasm")));

/** What is there of the web's globals in a sandbox, as far as tests need it. */
const GLOBALS = `globalThis.console = { log() {}, warn() {} }; globalThis.performance = { now: () => 1500 };
globalThis[Symbol.for("capsule.module")] = () => "ours";`;

const ENDED = `(promise) => {
  promise.then(() => { globalThis.ended = "null"; }, (e) => {
    globalThis.ended = JSON.stringify({ name: String(e?.name), message: String(e?.message ?? e), stack: String(e?.stack ?? "") });
  });
}`;

/** Evaluates a bundle as the engine of a sandbox does. */
export async function runInEngine(code: string): Promise<EngineRun> {
  using vm = await QuickJS.create({ wasm });
  vm.evalCode(GLOBALS, "globals").dispose();
  using ended = vm.evalCode(`(${ENDED})`, "ended");
  try {
    using evaluation = vm.evalCode(code, PROGRAM_FILE, EvalFlags.TYPE_MODULE);
    vm.callFunction(ended, vm.undefined, evaluation).dispose();
  } catch (error) {
    const { name, message, stack = "" } = error as Error;
    return { out: undefined, error: { name, message, stack } };
  }
  vm.executePendingJobs();
  const text = (source: string) => vm.evalCode(source, "read").consume((value) => value.toString());
  const error = JSON.parse(text('globalThis.ended ?? "null"')) as EngineRun["error"];
  return { out: JSON.parse(text('JSON.stringify(globalThis.out ?? null) ?? "null"')), error };
}
