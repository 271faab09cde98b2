import type { InstalledEngine } from "@capsule-run/runtime/inventory";
import type { Paint } from "./colour.ts";
import type { Context } from "./context.ts";
import { bytes, oneLine, plural } from "./format.ts";
import type { Command } from "./run.ts";

/** Versions that are named; the others are counted, and named with `--verbose`. */
const NAMED = ["quickjs-wasi", "CPython", "numpy", "pandas", "scipy", "matplotlib"];

const STATES: Readonly<
  Record<InstalledEngine["state"], readonly [word: string, style: "green" | "red" | "dim"]>
> = {
  ready: ["ready", "green"],
  damaged: ["damaged", "red"],
  unmade: ["not made yet", "dim"],
  absent: ["not there", "dim"],
};

const sizeOf = ({ files }: InstalledEngine): number => files.reduce((sum, { size }) => sum + size, 0);

const nameOf = ({ language, variant }: InstalledEngine): string =>
  variant === null ? language : `${language} ${variant}`;

function versionsLine({ variant, versions }: InstalledEngine, all: boolean): string {
  const name = (key: string): string => `${key} ${versions[key]}`;
  const keys = Object.keys(versions);
  if (all) return keys.map(name).join(", ");
  if (variant === "core") return `${name("CPython")}, without the code of numpy and the like`;
  const named = NAMED.filter((key) => keys.includes(key));
  const more = keys.length - named.length;
  return named.map(name).join(", ") + (more > 0 ? ` and ${plural(more, "package")} more` : "");
}

/** What there is to say about an engine in that state. */
function* facts(engine: InstalledEngine, verbose: boolean): Generator<string> {
  const { state, hash, versions, files, folder, source, damage } = engine;
  if (Object.keys(versions).length > 0) yield versionsLine(engine, verbose);
  if (state === "absent") yield `fetched and made when it is first needed, from ${source}`;
  else if (state === "unmade") yield `made when it is first needed, from ${source} in ${folder}`;
  else yield `made from ${source}, in ${folder}`;
  if (damage !== null) yield `damaged: ${damage}; made anew when it is next needed`;
  if (hash !== null) yield `hash ${hash}`;
  if (verbose) for (const { name, size, sha256 } of files) yield `${name} ${bytes(size)} sha256 ${sha256}`;
}

/** What `capsule engines` prints of one engine: a line with its state, then what it is, indented. */
function engineLines(engine: InstalledEngine, verbose: boolean, paint: Paint): string {
  const [word, style] = STATES[engine.state];
  const size = engine.files.length > 0 ? ` · ${bytes(sizeOf(engine))}` : "";
  const head = `${paint("bold", nameOf(engine))} ${paint(style, word)}${size}`;
  return [head, ...[...facts(engine, verbose)].map((fact) => `  ${oneLine(fact, 10_000)}`)].join("\n");
}

/** `capsule engines`: 1 if one is damaged. */
export async function engines(command: Command, context: Context): Promise<number> {
  const { output, paint, interruption, services } = context;
  const inventory = await services.inventory();
  if (command.flags.has("--prepare")) {
    const { progressView } = await import("./progress.ts");
    await inventory.prepareEngines({
      signal: interruption.signal,
      onProgress: progressView(output.stderr),
      onWarning: (message) => output.stderr.write(`${paint("yellow", "warning:")} ${oneLine(message)}\n`),
    });
  }
  const list = await inventory.listEngines({ verify: command.flags.has("--verify") });
  const text = command.json
    ? JSON.stringify({ engines: list })
    : list.map((engine) => engineLines(engine, command.verbose, paint)).join("\n");
  output.stdout.write(`${text}\n`);
  return list.some(({ state }) => state === "damaged") ? 1 : 0;
}
