/** What the tests of files share: folders, a guest that asks, and the grounds to run on. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { EffectError, type FileStat } from "@capsule-run/protocol";
import type { Capability, Mount } from "../capability.ts";
import { DIRECT, POOLED } from "./calls.ts";
import type { DiskBudget } from "./disk.ts";
import { type Ground, heldGround, namedGround } from "./ground.ts";
import { openFilesOn } from "./index.ts";

/** Those that work on this platform. */
export const GROUNDS: readonly (readonly [name: string, ground: Ground])[] = [
  ...(process.platform === "linux"
    ? ([
        ["held folders", heldGround(DIRECT)],
        ["held folders, by the pool", heldGround(POOLED)],
      ] as const)
    : []),
  ["named folders", namedGround(POOLED, process.platform === "win32")],
];

/** In memory, where the system has that: for many files. */
export const SHARED_MEMORY = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** A new folder that is gone after the tests of a file. */
export function folder(parent = tmpdir()): string {
  const path = mkdtempSync(join(realpathSync(parent), "capsule-files-"));
  after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

export interface Opened {
  readonly handle: number;
  readonly stat: FileStat;
  readonly whole: boolean;
  readonly bytes: Buffer;
}

export type Mode = "r" | "r+" | "w" | "wx" | "w+" | "a" | "d";

const MODES: Readonly<Record<Mode, object>> = {
  r: { read: true },
  "r+": { read: true, write: true },
  w: { write: true, create: true, truncate: true },
  wx: { write: true, create: true, exclusive: true },
  "w+": { read: true, write: true, create: true, truncate: true },
  a: { write: true, append: true, create: true },
  d: { read: true, directory: true },
};

const NO_FLAGS = {
  ...{ read: false, write: false, append: false, create: false, exclusive: false, truncate: false },
  ...{ directory: false, follow: true },
};

const NEVER = new AbortController().signal;

/** A guest: asks as one would, and gives what came back. */
export class Guest {
  readonly files: Capability;

  constructor(ground: Ground, mounts: Readonly<Record<string, string>>, disk?: DiskBudget) {
    // "rw:/host/folder" by the guest's path.
    const list = Object.entries(mounts).map(
      ([guest, host]): Mount => ({ guest, host: host.slice(3), writable: host.startsWith("rw:") }),
    );
    this.files = openFilesOn(() => ground, list, disk);
  }

  async ask(name: string, head: object, payload = new Uint8Array(0)): Promise<Record<string, unknown>> {
    const { head: answer, payload: bytes } = await this.files.perform(
      name,
      head as Readonly<Record<string, unknown>>,
      payload,
      NEVER,
      1,
    );
    return { ...answer, bytes: Buffer.from(bytes ?? []) };
  }

  async open(path: string, mode: Mode, more: object = {}): Promise<Opened> {
    return (await this.ask("open", { ...NO_FLAGS, ...MODES[mode], path, ...more })) as unknown as Opened;
  }

  close = (handle: number) => this.ask("close", { handle });

  async read(handle: number, at: number, length: number): Promise<string> {
    return String((await this.ask("read", { handle, at, length })).bytes);
  }

  async write(handle: number, at: number | null, text: string): Promise<{ at: number; size: number }> {
    return (await this.ask("write", { handle, at }, Buffer.from(text))) as { at: number; size: number };
  }

  /** A small file's text. */
  async text(path: string): Promise<string> {
    const { handle, bytes, whole } = await this.open(path, "r");
    await this.close(handle);
    assert.ok(whole);
    return String(bytes);
  }

  async put(path: string, text: string, mode: Mode = "w"): Promise<void> {
    const { handle } = await this.open(path, mode);
    try {
      await this.write(handle, null, text);
    } finally {
      await this.close(handle);
    }
  }

  async stat(path: string, follow = true): Promise<FileStat> {
    return (await this.ask("stat", { path, follow })) as unknown as FileStat;
  }

  /** Names, sorted. */
  async list(path: string): Promise<string[]> {
    return namesOf(await this.ask("list", { path }));
  }
}

export const namesOf = ({ bytes }: Record<string, unknown>): string[] =>
  (JSON.parse(String(bytes)) as [string][]).map(([name]) => name).sort();

/** The code with which something fails, after a look at the message: the code in front, nothing of the host's paths. */
export async function code(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof EffectError, String(error));
    assert.ok(error.message.startsWith(`${error.code}: `), error.message);
    assert.ok(!/capsule-files-|\/proc\/self\/fd/.test(error.message), error.message);
    assert.equal(error.cause, undefined);
    return error.code;
  }
  return "it works";
}

/** Descriptors of this process, where the platform shows them. */
export const descriptors = (): number =>
  process.platform === "linux" ? readdirSync("/proc/self/fd").length : 0;
