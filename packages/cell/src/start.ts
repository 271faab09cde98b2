import { type ChildProcess, spawn, spawnSync } from "node:child_process";

/** What a cell's process is made of. */
export interface CellParts {
  /** The cell's script: that of a language, bundled into one file. */
  readonly script: string;
  /** The folder of the engine; with the script the only files a cell can read. */
  readonly engine: string;
  /** Which variant of the engine. */
  readonly variant: string;
  /** More V8 flags; tests choose tiers with them. */
  readonly v8Flags?: readonly string[];
}

/**
 * Kilobytes of native stack for a guest: four times V8's default, so that the engine's own stack check comes first in
 * every tier.
 */
const STACK_KB = 3936;

const nodeMajor = Number(process.versions.node.split(".")[0]);

/** Node majors whose flags were tried. On others each V8 flag is used only if `--v8-options` lists it. */
const KNOWN_MAJORS = [24, 25, 26];

/** V8's flags for a cell, and why: speed of metered code, quick start, depth of recursion, memory given back at once. */
const V8_FLAGS = [
  "--experimental-wasm-branch-hinting",
  "--wasm-lazy-validation",
  `--stack-size=${STACK_KB}`,
  `--wasm-stack-switching-stack-size=${STACK_KB}`,
  "--expose-gc",
];

/** Suspending guests: earlier releases of Node 24 can, but only when asked. A cell runs in the Node that this is. */
const suspension = (): readonly string[] => ("Suspending" in WebAssembly ? [] : ["--experimental-wasm-jspi"]);

/** SQLite opens and makes files behind the permission model's back. */
const NO_DATABASES = "--no-experimental-sqlite";

/**
 * Starts a cell: a process that can read its engine and nothing else, in a group of its own, with an empty environment
 * and no descriptors but the three pipes. The protocol runs on stdin and stdout.
 */
export function startCell({ script, engine, variant, v8Flags = [] }: CellParts): ChildProcess {
  const flags = [
    "--permission",
    `--allow-fs-read=${script}`,
    `--allow-fs-read=${engine}/*`,
    ...(knowsSqliteFlag() ? [NO_DATABASES] : []),
    "--disallow-code-generation-from-strings",
    "--no-warnings",
    ...usableFlags(V8_FLAGS),
    ...suspension(),
    ...v8Flags,
  ];
  const command = [...networkWall(), process.execPath, ...flags, script, engine, variant];
  const cell = spawn(command[0] as string, command.slice(1), {
    env: {},
    cwd: "/",
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });
  return cell;
}

/** Building Node's list takes time, so it is asked only of a Node that was not tried. */
const knowsSqliteFlag = (): boolean =>
  KNOWN_MAJORS.includes(nodeMajor) || process.allowedNodeEnvironmentFlags.has(NO_DATABASES);

function usableFlags(flags: readonly string[]): readonly string[] {
  if (KNOWN_MAJORS.includes(nodeMajor)) return flags;
  const { stdout } = spawnSync(process.execPath, ["--v8-options"], { encoding: "utf8", env: {} });
  return flags.filter((flag) => stdout.includes(`  ${flag.split("=")[0]} `));
}

let wall: readonly string[] | null = null;

/**
 * From Node 26 on the permission model closes the network. Before, a network namespace without interfaces does, on
 * Linux, where unprivileged ones are allowed; elsewhere only the first wall, the import object, keeps a guest off it.
 */
function networkWall(): readonly string[] {
  if (wall) return wall;
  const closed = nodeMajor >= 26 || process.platform !== "linux";
  const command = ["unshare", "-rn"];
  wall =
    !closed && spawnSync("unshare", ["-rn", "true"], { stdio: "ignore", env: {} }).status === 0
      ? command
      : [];
  return wall;
}
