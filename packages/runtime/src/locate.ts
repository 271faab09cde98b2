import { join, resolve } from "node:path";
import { type Project, readEnvironment, readProject } from "@capsule-run/config";
import type { ProgramFile } from "./store.ts";
import { openVariables } from "./world.ts";

/** A program, and what its project says. */
export interface FoundProgram extends ProgramFile {
  readonly project: Project;
}

export interface Whereabouts {
  /** Absolute: where `file` is looked up. */
  readonly cwd: string;
  readonly cacheDir: string | undefined;
  /** Variables that have a value whatever the project's files say. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly warn: (message: string) => void;
}

/** @throws UsageError for what is wrong in `capsule.toml` */
export async function locate(file: string, { cwd, cacheDir, env, warn }: Whereabouts): Promise<FoundProgram> {
  const project = await readProject({ file, cwd });
  const { root } = project;
  return {
    path: resolve(cwd, file),
    given: file,
    root,
    cacheDir: cacheDir ?? projectCache(root),
    variables: openVariables(() => readEnvironment(root, env), warn),
    project,
  };
}

export const projectCache = (root: string): string => join(root, ".capsule", "cache");
