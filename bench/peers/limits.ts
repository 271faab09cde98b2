import { spawnSync } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Contender } from "./contenders.ts";
import { type Driver, within } from "./driver.ts";

/** What does not end after so many milliseconds never will: every limit that is asked for is reached in one or two seconds. */
const PATIENCE_MS = 10_000;

/** What a peer does with a limit: whether it holds, and how that was seen. */
export interface Finding {
  readonly holds: boolean;
  readonly seen: string;
}

interface Probe {
  readonly name: string;
  /** The program and its arguments; on which call of a process it is looked at. */
  readonly program: string;
  readonly args: (at: { readonly folder: string; readonly url: string }) => readonly string[];
  readonly call: 1 | 2;
  /** How a peer says that the limit was reached. */
  readonly ends: RegExp;
}

const fixed =
  (...args: string[]) =>
  (): readonly string[] =>
    args;

const PROBES: readonly Probe[] = [
  ...([1, 2] as const).flatMap((call): Probe[] => {
    const which = call === 1 ? "" : ", on the second call";
    return [
      {
        name: `a timeout ends an endless loop${which}`,
        program: "timeout",
        args: fixed("spin"),
        call,
        ends: /timeout|deadline/i,
      },
      {
        name: `a limit of fuel ends an endless loop${which}`,
        program: "fuel",
        args: fixed("spin"),
        call,
        ends: /fuel|wasm_error/i,
      },
      {
        name: `a limit of memory ends what fills it${which}`,
        program: "memory",
        args: fixed("fill"),
        call,
        ends: /memory|wasm_error/i,
      },
    ];
  }),
  {
    name: "endless recursion ends as an error of the task, and the next call works",
    ...{ program: "peers", args: fixed("deep"), call: 1, ends: /recursion|stack_overflow|task_error/i },
  },
  {
    name: "a file outside of the allowed folder can't be read",
    ...{
      program: "peers",
      args: ({ folder }) => ["reads", "./open/../secret.txt", join(folder, "open")],
      call: 1,
    },
    ends: /^(?!.*secret$)/,
  },
  {
    name: "a host that is not allowed can't be reached",
    ...{ program: "peers", args: ({ url }) => ["fetches", url], call: 1, ends: /^(?!reached$)/ },
  },
];

/** What each limit does at one contender, by the limit's name. */
export async function findings(
  contender: Contender,
  folder: string,
): Promise<Readonly<Record<string, Finding>>> {
  const server = createServer((_, answer) => answer.end("reached"));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const found: Record<string, Finding> = {};
  try {
    for (const program of new Set(PROBES.map((probe) => probe.program))) {
      // What a machine has to make ready once is no part of what is looked at.
      using driver = contender.open();
      await driver.ask("ends", { name: program, args: ["hello"] });
    }
    for (const probe of PROBES) {
      using driver = contender.open();
      found[probe.name] = await look(driver, probe, probe.args({ folder, url }));
    }
  } finally {
    server.close();
  }
  found["a program that fails ends with an exit code other than 0"] = failing(contender, folder);
  return found;
}

async function look(
  driver: Driver,
  { program, call, ends, name }: Probe,
  args: readonly string[],
): Promise<Finding> {
  const ask = async (given: readonly string[]): Promise<string | null> => {
    try {
      return await within(PATIENCE_MS, driver.ask<string>("ends", { name: program, args: given }));
    } catch (error) {
      return (error as Error).message;
    }
  };
  // Whatever is made ready by the first call of a process is no part of what is looked at.
  if (call === 2) await driver.ask("ends", { name: program, args: ["hello"] });
  const end = await ask(args);
  if (end === null) return { holds: false, seen: `still running after ${PATIENCE_MS / 1000} s` };
  if (!ends.test(end)) return { holds: false, seen: end.slice(0, 80) };
  if (/next call/.test(name)) {
    const next = await ask(["hello"]);
    if (next !== "hello") return { holds: false, seen: `the next call: ${String(next).slice(0, 80)}` };
  }
  return { holds: true, seen: end.slice(0, 80) };
}

function failing({ failing, env }: Contender, folder: string): Finding {
  const [command = "", ...args] = failing ?? [];
  const { status } = spawnSync(command, args, { cwd: folder, env, stdio: "ignore", timeout: PATIENCE_MS });
  return { holds: status !== 0, seen: `exit code ${status}` };
}
