/** Runs Python programs by the real `capsule`. */
import assert from "node:assert/strict";
import { type CapsuleOptions, capsule, type Ended, folder, type Ran, readEnvelope } from "./capsule.ts";

/** A folder with a program `main.py`, which finds `task` and `asyncio` imported. */
export const pythonProgram = (source: string, files: Readonly<Record<string, string>> = {}): string =>
  folder({ "main.py": `import asyncio\nfrom capsule import task\n${source}`, ...files });

/** `capsule run --json main.py ARGS…` in a folder. */
export async function runIn<T = unknown>(
  cwd: string,
  args: readonly string[] = [],
  options: CapsuleOptions = {},
): Promise<Ran<T>> {
  const ended = await capsule(["run", "--json", "main.py", ...args], { cwd, ...options });
  return { ...ended, envelope: readEnvelope<T>(ended) };
}

/** Runs a program given as source. */
export const runPython = <T = unknown>(source: string, args: readonly string[] = []): Promise<Ran<T>> =>
  runIn<T>(pythonProgram(source), args);

/** The result of a program that has to succeed. */
export async function resultOf<T = unknown>(source: string, args: readonly string[] = []): Promise<T> {
  const { envelope, stderr } = await runPython<T>(source, args);
  assert.equal(envelope.error, null, `${envelope.error?.message}\n${stderr}`);
  return envelope.result;
}

/** What `capsule run main.py` says of a program that can't be run: exit 2, nothing on stdout. */
export async function refusalOf(
  source: string,
  files: Readonly<Record<string, string>> = {},
): Promise<string> {
  const ended: Ended = await capsule(["run", "main.py"], {
    cwd: pythonProgram(source, files),
    extra: { NO_COLOR: "1" },
  });
  assert.equal(ended.code, 2, ended.stderr);
  assert.equal(ended.stdout, "");
  return ended.stderr;
}
