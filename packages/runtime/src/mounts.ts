import { type Policies, parseMounts } from "@capsule-run/config";
import type { Mount } from "@capsule-run/host";
import { GUEST_ROOT, type TaskManifest, type TaskPolicy, UsageError } from "@capsule-run/protocol";

/**
 * Checks that the folders of mounts are there, and are the project's: whoever asks for a mount wants to know.
 * @throws UsageError `mount`
 */
export async function checkMounts(texts: readonly string[], root: string): Promise<void> {
  if (texts.length === 0) return;
  const { checkMount } = await import("@capsule-run/host/files");
  for (const { host } of parseMounts(texts))
    try {
      checkMount(root, host);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      throw new UsageError("mount", `A mount can't be given: ${error.text}`, { cause: error });
    }
}

export interface MountsOptions {
  /** The project root: absolute. */
  readonly root: string;
  /** Of the program. */
  readonly tasks: readonly TaskManifest[];
  readonly policies: Policies;
  /** Told of folders that a task asks for and can't have. */
  warn(message: string): void;
}

/** The folders of a run. */
export interface Mounts {
  of(policy: TaskPolicy): readonly Mount[];
}

/**
 * What folders the tasks of a run see. One that is not there, or that a symlink leads out of the project, is not there
 * for them either.
 */
export async function openMounts({ root, tasks, policies, warn }: MountsOptions): Promise<Mounts> {
  if (tasks.every((task) => policies.mounts(policies.of(task)).length === 0)) return { of: () => [] };
  const { checkMount } = await import("@capsule-run/host/files");
  const folders = new Map<string, string | null>();
  const folderOf = (path: string): string | null => {
    const known = folders.get(path);
    if (known !== undefined) return known;
    let folder: string | null = null;
    try {
      folder = checkMount(root, path);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      warn(`a task asks for files: ${error.text}`);
    }
    folders.set(path, folder);
    return folder;
  };
  return {
    of: (policy) =>
      policies.mounts(policy).flatMap(({ host: path, guest, mode }) => {
        const host = folderOf(path);
        if (host === null) return [];
        return [
          {
            host,
            guest: guest === "." ? GUEST_ROOT : `${GUEST_ROOT}/${guest}`,
            writable: mode === "read-write",
          },
        ];
      }),
  };
}
