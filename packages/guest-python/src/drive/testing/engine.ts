/** Where tests of the drive find an engine: the one that the built command line starts. */

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Variant } from "@capsule-run/protocol";

const CAPSULE = fileURLToPath(new URL("../../../../cli/bin/capsule.js", import.meta.url));

interface Listed {
  readonly language: string;
  readonly variant: Variant | null;
  readonly state: string;
  readonly folder: string;
}

function capsule(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CAPSULE, ...args], {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`capsule ${args.join(" ")}: ${stderr}`);
  return stdout;
}

const list = (): readonly Listed[] =>
  (JSON.parse(capsule("engines", "--json")) as { engines: Listed[] }).engines;

/** The folder of an engine that is ready, made ready if it is not. */
export function engineFolder(variant: Variant): string {
  const find = (): Listed | undefined =>
    list().find((engine) => engine.language === "python" && engine.variant === variant);
  let found = find();
  if (found?.state !== "ready") {
    capsule("engines", "--prepare");
    found = find();
  }
  if (found?.state !== "ready") throw new Error(`no Python engine: ${JSON.stringify(found)?.slice(0, 500)}`);
  return found.folder;
}
