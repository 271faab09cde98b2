/**
 * Runs the cases on its stdin and prints, as JSON, how each ended: a process of its own for each choice of V8's flags.
 * See `traced`.
 */
import { execFile } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { crc32 } from "node:zlib";
import type { SandboxLimits } from "@capsule-run/protocol";
import { coreFolder, EXECUTOR, kindOf, messageOf, TestGuest } from "./guest.ts";

export interface TraceJob {
  /** By name, the code that `EXECUTOR` runs. */
  readonly cases: Readonly<Record<string, string>>;
  readonly limits: SandboxLimits;
  /** Fuel of a slice; the default if absent. */
  readonly slice?: number;
  /** A new instance for each case. */
  readonly fresh?: boolean;
  readonly seed?: string;
}

export interface Traced {
  readonly kind: string;
  readonly message: string;
  readonly fuel: number;
  readonly ram: number;
  /** Of the memory it left, and of the guest's globals. */
  readonly memory: number;
  readonly output: string;
  readonly calls: number;
}

/** The stacks of a cell. */
const STACKS = ["--stack-size=3936", "--wasm-stack-switching-stack-size=3936"];

/** Runs cases in a process with more of V8's flags. */
export function traced(job: TraceJob, ...flags: readonly string[]): Promise<Record<string, Traced>> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      process.execPath,
      [...STACKS, ...flags, fileURLToPath(import.meta.url)],
      { maxBuffer: 256 * 1024 * 1024, env: { ...process.env, CAPSULE_TEST_ENGINE: coreFolder() } },
      (error, stdout, stderr) => {
        if (error)
          reject(new Error(`${flags.join(" ")}: ${error.message.slice(-2000)}\n${stderr.slice(-2000)}`));
        else resolve(JSON.parse(stdout) as Record<string, Traced>);
      },
    );
    child.stdin?.end(JSON.stringify(job));
  });
}

async function trace({
  cases,
  limits,
  slice,
  fresh = false,
  seed,
}: TraceJob): Promise<Record<string, Traced>> {
  const make = (): TestGuest => new TestGuest(slice === undefined ? {} : { slice });
  let guest = make();
  const program = await guest.load(EXECUTOR);
  const seen: Record<string, Traced> = {};
  for (const [name, code] of Object.entries(cases)) {
    if (fresh) guest = make();
    if (seed !== undefined) guest.seed = seed;
    guest.reset(program, limits);
    const end = await guest.run("run", code);
    seen[name] = {
      kind: kindOf(end),
      message: messageOf(end).slice(0, 2000),
      fuel: guest.instance.fuelUsed,
      ram: guest.instance.ramUsed,
      memory: crc32(guest.memory, crc32(JSON.stringify(guest.globals))),
      output: guest.output,
      calls: guest.calls.length,
    };
  }
  return seen;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  process.stdout.write(JSON.stringify(await trace(JSON.parse(await text(process.stdin)) as TraceJob)));
