import type { DiskBudget } from "@capsule-run/host/files";
import { EffectError, LIMITS, UsageError } from "@capsule-run/protocol";

/** Where the workspace is for who asks. */
const ROOT = "/workspace";

/**
 * The operations on a workspace's files. They go by the same walk as those of sandboxes: no symlink is followed out of
 * it, and `..` does not lead above it.
 */
export interface WorkspaceFiles {
  stat(path: string): Promise<{ readonly kind: string; readonly size: number } | null>;
  /** Names, and of what kind each is. */
  list(path: string): Promise<readonly (readonly [name: string, kind: string])[]>;
  makeFolder(path: string): Promise<void>;
  removeFile(path: string): Promise<void>;
  removeFolder(path: string): Promise<void>;
  /** The pieces of a file, of 8 MiB at most. */
  read(path: string): AsyncGenerator<Uint8Array>;
  write(path: string, pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<number>;
  /** Whether Capsule reads files of this name itself, so that no sandbox may have one. */
  isKept(name: string): boolean;
  close(): Promise<void>;
}

const PIECE = 8 * 1024 * 1024;
const NOTHING = new Uint8Array();
const OPEN = { read: false, write: false, append: false, create: false, exclusive: false, truncate: false };

/**
 * @param folder absolute, without symlinks on the way to it
 * @param disk pays for what is put there
 */
export async function openWorkspaceFiles(folder: string, disk: DiskBudget): Promise<WorkspaceFiles> {
  const { isKept, openFiles } = await import("@capsule-run/host/files");
  const files = openFiles([{ host: folder, guest: ROOT, writable: true }], disk);
  const never = new AbortController().signal;
  const ask = async (name: string, head: object, payload: Uint8Array = NOTHING) => {
    try {
      const { head: answer, payload: bytes = NOTHING } = await files.perform(
        ...([name, head as Record<string, unknown>, payload, never, 0] as const),
      );
      return { answer: answer as Record<string, unknown>, bytes };
    } catch (error) {
      if (!(error instanceof EffectError)) throw error;
      throw new UsageError("workspace", error.message.replaceAll(ROOT, "workspace"), { cause: error });
    }
  };
  const at = (path: string): string => (path === "" ? ROOT : `${ROOT}/${path}`);
  const open = async (
    path: string,
    how: object,
  ): Promise<{ handle: number; bytes: Uint8Array; whole: boolean }> => {
    const asked = { ...OPEN, path: at(path), directory: false, follow: false, ...how };
    const { answer, bytes } = await ask("open", asked);
    return { handle: answer.handle as number, bytes, whole: answer.whole === true };
  };
  return {
    async stat(path) {
      try {
        const { answer } = await ask("stat", { path: at(path), follow: false });
        return { kind: String(answer.kind), size: Number(answer.size) };
      } catch (error) {
        const cause = error instanceof UsageError ? error.cause : null;
        if (cause instanceof EffectError && ["ENOENT", "ENOTDIR"].includes(cause.code)) return null;
        throw error;
      }
    },
    async list(path) {
      const { bytes } = await ask("list", { path: at(path) });
      return (JSON.parse(Buffer.from(bytes).toString()) as [string, string, string][]).map(
        ([name, kind]) => [name, kind] as const,
      );
    },
    makeFolder: async (path) => void (await ask("mkdir", { path: at(path) })),
    removeFile: async (path) => void (await ask("unlink", { path: at(path) })),
    removeFolder: async (path) => void (await ask("rmdir", { path: at(path) })),
    async *read(path) {
      const { handle, bytes, whole } = await open(path, { read: true });
      try {
        if (whole) {
          yield bytes;
          return;
        }
        for (let from = 0; ; ) {
          const { bytes: piece } = await ask("read", { handle, at: from, length: PIECE });
          if (piece.length === 0) return;
          yield piece;
          from += piece.length;
        }
      } finally {
        await ask("close", { handle });
      }
    },
    async write(path, pieces) {
      const { handle } = await open(path, { write: true, create: true, truncate: true });
      let size = 0;
      try {
        for await (const piece of pieces)
          for (let from = 0; from < piece.length; ) {
            const part = piece.subarray(from, from + LIMITS.effectBytes);
            const { answer } = await ask("write", { handle, at: size }, part);
            const written = answer.written as number;
            from += written;
            size += written;
          }
      } finally {
        await ask("close", { handle });
      }
      return size;
    },
    isKept,
    close: () => files.close(),
  };
}
