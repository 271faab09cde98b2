import { mkdirSync, mkdtempSync, readlinkSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DiskBudget } from "@capsule-run/host/files";
import { CONFIG_FILE } from "@capsule-run/protocol";
import { removeTree } from "./remove.ts";

/** A private folder of this process: the project root of a sandbox that runs code, with its workspace in it. */
export interface Place {
  readonly root: string;
  readonly workspace: string;
  /** Pays for what anybody puts into the workspace. */
  readonly disk: DiskBudget;
  /** Removes both. */
  remove(): Promise<void>;
}

/** How the workspace is called in the root, and so in the sandbox. */
export const WORKSPACE = "workspace";

/** Where numbers of processes mean the same: containers may share a folder for temporary files. */
const SPACE = spaceOfProcesses();
const PREFIX = `capsule-code-${SPACE}-`;
/** Folders of this process, which it removes at its end. */
const places = new Set<string>();
let watching = false;

/**
 * @param disk bytes that the workspace may hold
 * @param hosts what code in it may reach: the default of its project. A ceiling could not open an address or a name of this
 *   machine, which has to be asked for by its name
 */
export async function makePlace(disk: number, hosts: readonly string[] = []): Promise<Place> {
  const { DiskBudget } = await import("@capsule-run/host/files");
  const root = realpathSync(mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`)));
  const workspace = join(root, WORKSPACE);
  mkdirSync(workspace);
  if (hosts.length > 0)
    writeFileSync(join(root, CONFIG_FILE), `[tasks]\ndefault_allowed_hosts = ${JSON.stringify(hosts)}\n`);
  if (!watching) process.on("exit", removeAll);
  watching = true;
  places.add(root);
  return {
    root,
    workspace,
    disk: new DiskBudget(disk),
    async remove() {
      await removeTree(root);
      places.delete(root);
    },
  };
}

function removeAll(): void {
  for (const root of places)
    try {
      rmSync(root, { recursive: true, force: true });
    } catch {
      // Others are removed nevertheless.
    }
}

/** Removes what processes of this user left behind that were killed. Never rejects. */
export async function removeAbandoned(): Promise<void> {
  const folder = tmpdir();
  for (const name of await readdir(folder).catch(() => [])) {
    const [, pid] = new RegExp(`^${PREFIX}([0-9]+)-`).exec(name) ?? [];
    if (pid === undefined || isRunning(Number(pid))) continue;
    const path = join(folder, name);
    try {
      // A link may lead to a folder of ours now, and to another's when it is removed.
      const found = await lstat(path);
      if (found.isDirectory() && (process.getuid === undefined || found.uid === process.getuid()))
        await removeTree(path);
    } catch {
      // Gone. Others are removed nevertheless.
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/** On Linux the number of its namespace. */
function spaceOfProcesses(): string {
  try {
    return /[0-9]+/.exec(readlinkSync("/proc/self/ns/pid"))?.[0] ?? "0";
  } catch {
    return "0";
  }
}
