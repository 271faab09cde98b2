/**
 * Fuzzes the rewriter: `npm run fuzz [-- --seed N] [--minutes M | --count K]`. The same seed and count make the same
 * modules and try them in the same way. What fails is made small, saved and told; the run goes on, and ends with 1.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { findBinaryen } from "./binaryen.ts";
import { CACHE } from "./cache.ts";
import type { Sample } from "./generate.ts";
import { Generator } from "./generators.ts";
import { moduleSeed } from "./random.ts";
import { reduced } from "./reduce.ts";
import { findWasmtime, SecondOpinion } from "./wasmtime.ts";
import { type Answer, Worker } from "./workers.ts";

const DEFAULT_MINUTES = 10;
/** One in so many modules is run in each tier, and in wasmtime. */
const OPINIONS_EVERY = 8;
const REDUCE_MS = 60_000;
/** So many failures are enough to begin with. */
const MAX_FAILURES = 10;
const PROGRESS_MS = 30_000;
const TIERS: readonly (readonly string[])[] = [["--liftoff-only"], ["--no-liftoff"]];

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    minutes: { type: "string" },
    count: { type: "string" },
    offline: { type: "boolean" },
  },
});
const seed = numberFrom(values.seed, "seed") ?? Date.now() % 1_000_000;
const count = numberFrom(values.count, "count") ?? Number.POSITIVE_INFINITY;
const minutes =
  numberFrom(values.minutes, "minutes") ??
  (values.count === undefined ? DEFAULT_MINUTES : Number.POSITIVE_INFINITY);

function numberFrom(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  process.stderr.write(`--${name} takes a number, not "${text}"\n`);
  process.exit(2);
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);

print(`fuzz: seed ${seed}, ${Number.isFinite(minutes) ? `${minutes} minutes` : `${count} modules`}`);
const binaryen = findBinaryen(!values.offline);
if ("missing" in binaryen) print(`fuzz: without binaryen: ${binaryen.missing}`);
const wasmtime = findWasmtime(!values.offline);
if ("missing" in wasmtime) print(`fuzz: without wasmtime: ${wasmtime.missing}`);
const opinion = "python" in wasmtime ? new SecondOpinion(wasmtime.python) : undefined;
const generator = new Generator("file" in binaryen ? binaryen.file : undefined);
const worker = new Worker([]);
const tiers = TIERS.map((flags) => new Worker(flags));

const tally = new Map<string, number>();
const add = (what: string, n = 1): void => void tally.set(what, (tally.get(what) ?? 0) + n);
let failures = 0;
let tried = 0;
const started = Date.now();
let told = started;
const elapsed = (): number => (Date.now() - started) / 60_000;

for (let index = 0; index < count && elapsed() < minutes && failures < MAX_FAILURES; index++) {
  const own = moduleSeed(seed, index);
  const sample = await generator.sample(own);
  if (sample === undefined) {
    add("not made");
    continue;
  }
  tried++;
  add(`from ${sample.source}`);
  const answer = await worker.examine({ wasm: sample.wasm, seed: own });
  note(answer);
  await report(index, sample, answer, own);
  if (index % OPINIONS_EVERY === 0 && answer.end === "ran") await ask(index, sample, answer, own);
  if (Date.now() - told > PROGRESS_MS) {
    told = Date.now();
    print(`fuzz: ${tried} modules in ${elapsed().toFixed(1)} minutes, ${failures} failures`);
  }
}
generator.close();
worker.close();
for (const tier of tiers) tier.close();
opinion?.close();
print(`fuzz: seed ${seed}: ${tried} modules in ${elapsed().toFixed(1)} minutes, ${failures} failures`);
for (const [what, n] of [...tally].sort()) print(`  ${String(n).padStart(8)} ${what}`);
process.exitCode = failures > 0 ? 1 : 0;

function note(answer: Answer): void {
  add(`ended ${answer.end}`);
  if (answer.end === "lost") return;
  add("runs compared", answer.runs);
  add("calls compared", answer.calls);
  if (answer.nans) add("differ from the original in bits of NaNs");
  if (answer.ended) add("ended for want of fuel");
}

async function report(
  index: number,
  { source, wasm }: Sample,
  { failures: found }: Answer,
  own: number,
): Promise<void> {
  const [first] = found;
  if (first === undefined) return;
  const stillFails = async (candidate: Uint8Array) => {
    const again = await worker.examine({ wasm: candidate, seed: own });
    return again.failures.some(({ oracle }) => oracle === first.oracle);
  };
  const small = await reduced(wasm, stillFails, Date.now() + (first.oracle === "hang" ? 0 : REDUCE_MS));
  save(index, source, `${first.oracle}: ${first.detail}`, wasm, small, own);
}

/** Saves a module that failed, as it was and made small, and tells how to see it again. */
function save(
  index: number,
  source: string,
  what: string,
  wasm: Uint8Array,
  small: Uint8Array,
  own: number,
): void {
  failures++;
  const folder = join(CACHE, "failures", `${seed}-${index}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "module.wasm"), wasm);
  writeFileSync(join(folder, "small.wasm"), small);
  writeFileSync(join(folder, "why.txt"), `${source}, module seed ${own}\n${what}\n`);
  print(`fuzz: FAILED: module ${index} of seed ${seed} (${source}, module seed ${own})`);
  print(`  ${what.replaceAll("\n", "\n  ")}`);
  print(`  ${small.length} of ${wasm.length} bytes are left: ${relative(process.cwd(), folder)}/small.wasm`);
  print(`  again: npm run fuzz -- --seed ${seed} --count ${index + 1}`);
}

/** The same module in the other tiers, and in another engine. */
async function ask(index: number, sample: Sample, answer: Answer, own: number): Promise<void> {
  if (answer.end === "lost" || answer.failures.length > 0) return;
  // TurboFan takes minutes for blocks nested a thousand deep, whoever put calls there.
  if (sample.source === "large") return;
  for (const [i, tier] of tiers.entries()) {
    const other = await tier.examine({ wasm: sample.wasm, seed: own });
    const flag = TIERS[i]?.join(" ");
    add(`in tier ${flag}`);
    const what = other.failures[0] && `${other.failures[0].oracle}: ${other.failures[0].detail}`;
    const differs =
      other.end !== "lost" && other.digest !== answer.digest && other.digest !== "" && answer.digest !== "";
    if (what || differs)
      save(
        index,
        sample.source,
        `tiers: ${what ?? "something else"} with ${flag}`,
        sample.wasm,
        sample.wasm,
        own,
      );
  }
  if (opinion === undefined || answer.ended) return;
  const difference = await opinion.differenceFor(sample.wasm, own);
  add(difference.asked ? "in wasmtime" : "not for wasmtime");
  if (difference.detail)
    save(index, sample.source, `wasmtime: ${difference.detail}`, sample.wasm, sample.wasm, own);
}
