/** A host for tests that does the file effects over folders of the disk: as trusting as the real one is not. */
import * as fs from "node:fs";
import { EffectError, type FileStat, LIMITS } from "@capsule-run/protocol";
import type { EffectHandler } from "./guest.ts";

interface Head {
  readonly path: string;
  readonly handle: number;
  readonly [field: string]: unknown;
}

interface Done {
  readonly head: object;
  readonly payload?: Uint8Array;
}

class Failure extends Error {
  readonly code: string;
  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

type Operation = (host: FolderHost, head: Head, payload: Uint8Array) => Done;

/** By the guest's paths. */
type Folders = Readonly<Record<string, { readonly host: string; readonly writable: boolean }>>;

export class FolderHost {
  readonly #mounts: Folders;
  readonly open = new Map<number, { readonly fd: number; readonly path: string }>();
  handles = 0;

  constructor(mounts: Folders) {
    this.#mounts = mounts;
  }

  /** Answers an effect: see `EffectHandler`. */
  readonly answer: EffectHandler = async ({ name, head, payload }) => {
    const operation = OPERATIONS[name];
    if (!operation) throw new Error(`no effect of files: ${name}`);
    try {
      return operation(this, head as unknown as Head, payload);
    } catch (error) {
      const { code = "EIO" } = error as { code?: string };
      throw new EffectError(code, `${code}: ${name}`);
    }
  };

  mountOf(path: string): { readonly host: string; readonly writable: boolean; readonly path: string } {
    const [guest, mount] =
      Object.entries(this.#mounts)
        .filter(([guest]) => path === guest || path.startsWith(`${guest}/`))
        .toSorted(([a], [b]) => b.length - a.length)[0] ?? [];
    if (!mount || guest === undefined) throw new Failure("ENOENT");
    return { ...mount, path: mount.host + path.slice(guest.length) };
  }

  /** The path on the disk. */
  at(path: string): string {
    return this.mountOf(path).path;
  }

  /** The same, where it may be written to. */
  to(path: string): string {
    const mount = this.mountOf(path);
    if (!mount.writable) throw new Failure("EROFS");
    return mount.path;
  }

  fd(head: Head): number {
    const found = this.open.get(head.handle);
    if (!found) throw new Failure("EBADF");
    return found.fd;
  }
}

const describe = (stat: fs.BigIntStats): FileStat => ({
  kind: stat.isFile()
    ? "file"
    : stat.isDirectory()
      ? "directory"
      : stat.isSymbolicLink()
        ? "symlink"
        : "other",
  size: Number(stat.size),
  inode: String(stat.ino),
  device: String(stat.dev),
  links: Number(stat.nlink),
  accessed: String(stat.atimeNs),
  modified: String(stat.mtimeNs),
  changed: String(stat.ctimeNs),
  writable: true,
});

const BIG = { bigint: true } as const;
const { O_APPEND, O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY } =
  fs.constants;

const OPERATIONS: Readonly<Record<string, Operation>> = {
  "file.open"(host, head) {
    const flag = (name: string, bit: number): number => (head[name] === true ? bit : 0);
    const path = head.write === true || head.create === true ? host.mountOf(head.path) : null;
    if (path && !path.writable && (head.write === true || !fs.existsSync(path.path)))
      throw new Failure("EROFS");
    const access = head.write === true ? (head.read === true ? O_RDWR : O_WRONLY) : O_RDONLY;
    const flags =
      flag("append", O_APPEND) |
      flag("create", O_CREAT) |
      flag("exclusive", O_EXCL) |
      flag("truncate", O_TRUNC) |
      flag("directory", O_DIRECTORY);
    const fd = fs.openSync(
      host.at(head.path),
      access | flags | (head.follow === true ? 0 : O_NOFOLLOW),
      0o666,
    );
    const handle = ++host.handles;
    host.open.set(handle, { fd, path: host.at(head.path) });
    const stat = describe(fs.fstatSync(fd, BIG));
    const whole =
      stat.kind === "file" &&
      head.read === true &&
      head.write !== true &&
      stat.size <= LIMITS.filePrefetchBytes;
    if (!whole) return { head: { handle, stat, whole } };
    const payload = new Uint8Array(stat.size);
    fs.readSync(fd, payload, 0, stat.size, 0);
    return { head: { handle, stat, whole }, payload };
  },
  "file.read"(host, head) {
    const payload = Buffer.alloc(head.length as number);
    const length = fs.readSync(host.fd(head), payload, 0, payload.length, head.at as number);
    return { head: {}, payload: payload.subarray(0, length) };
  },
  "file.write"(host, head, payload) {
    const fd = host.fd(head);
    const at = (head.at as number | null) ?? fs.fstatSync(fd).size;
    const written = fs.writeSync(fd, payload, 0, payload.length, at);
    return { head: { at, written, size: fs.fstatSync(fd).size } };
  },
  "file.close"(host, head) {
    fs.closeSync(host.fd(head));
    host.open.delete(head.handle);
    return { head: {} };
  },
  "file.stat"(host, head) {
    if (head.path === undefined) return { head: describe(fs.fstatSync(host.fd(head), BIG)) };
    const look = head.follow === true || head.path.endsWith("/") ? fs.statSync : fs.lstatSync;
    return { head: describe(look(host.at(head.path), BIG)) };
  },
  "file.list"(host, head) {
    const entries = fs.readdirSync(host.open.get(head.handle)?.path ?? "", { withFileTypes: true });
    const list = entries.map((entry) => [entry.name, entry.isDirectory() ? "directory" : "file", "0"]);
    return { head: { count: list.length }, payload: Buffer.from(JSON.stringify(list)) };
  },
  "file.mkdir": (host, head) => done(fs.mkdirSync(host.to(head.path))),
  "file.unlink": (host, head) => done(fs.unlinkSync(host.to(head.path))),
  "file.rmdir": (host, head) => done(fs.rmdirSync(host.to(head.path))),
  "file.rename": (host, head) =>
    done(fs.renameSync(host.to(head.from as string), host.to(head.to as string))),
  "file.truncate": (host, head) => done(fs.ftruncateSync(host.fd(head), head.size as number)),
  "file.times"(host, head) {
    const path = head.path === undefined ? (host.open.get(head.handle)?.path ?? "") : host.to(head.path);
    const now = fs.statSync(path);
    const seconds = (value: unknown, otherwise: number): number =>
      typeof value === "string" ? Number(value) / 1e9 : otherwise;
    fs.utimesSync(path, seconds(head.accessed, now.atimeMs / 1e3), seconds(head.modified, now.mtimeMs / 1e3));
    return { head: {} };
  },
  "file.sync": (host, head) => done(fs.fsyncSync(host.fd(head))),
  "file.readlink": (host, head) => ({ head: { target: fs.readlinkSync(host.at(head.path)) } }),
};

const done = (_what: unknown): Done => ({ head: {} });
