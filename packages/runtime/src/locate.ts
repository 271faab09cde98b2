import { join, resolve } from "node:path";
import {
  type Allowance,
  allowance,
  openVariables,
  type Project,
  readEnvironment,
  readProject,
} from "@capsule-run/config";
import { CAPSULE_FOLDER } from "@capsule-run/protocol";
import type { RunRequest } from "./api.ts";
import type { ProgramFile } from "./store.ts";

/** A program, and what its project says. */
export interface FoundProgram extends ProgramFile {
  readonly project: Project;
  readonly allowed: Allowance;
}

export interface Whereabouts {
  /** Absolute: where `file` is looked up. */
  readonly cwd: string;
  readonly cacheDir: string | undefined;
  /** Variables that have a value whatever the project's files say. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly warn: (message: string) => void;
  /** What is asked of a run; not there where nothing is run. */
  readonly request: Pick<RunRequest, "root" | "policy" | "sealed" | "mounts">;
}

/** @throws UsageError for what is wrong in `capsule.toml`, or with the request */
export async function locate(
  file: string,
  { cwd, cacheDir, env, warn, request }: Whereabouts,
): Promise<FoundProgram> {
  const project = await readProject({ file, cwd, root: request.root });
  const { root } = project;
  const allowed = allowance(request, project);
  const { files } = allowed.ceiling;
  return {
    path: resolve(cwd, file),
    given: file,
    root,
    cacheDir: cacheDir ?? projectCache(root),
    variables: openVariables(() => readEnvironment(root, env), warn),
    data: files && [...new Set(files.map((grant) => grant.path))].sort(),
    project,
    allowed,
  };
}

export const projectCache = (root: string): string => join(root, CAPSULE_FOLDER, "cache");
