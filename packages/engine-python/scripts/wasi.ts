/** As much of WASI as it takes to run pure computations in the engine: the standard library to read, nothing else. */

/** Numbers of `errno`. */
const [SUCCESS, BADF, INVAL, NOENT, NOSYS, SPIPE] = [0, 8, 28, 44, 52, 70];

/** Numbers of kinds of files. */
const [CHARACTER_DEVICE, DIRECTORY, REGULAR_FILE] = [2, 3, 4];

const ROOT = 3;

interface World {
  /** The one file there is, and its bytes. */
  readonly file: { readonly path: string; readonly bytes: Uint8Array };
  readonly memory: () => WebAssembly.Memory;
  readonly print: (text: string) => void;
}

/** Imports for `module`: a clock that goes on by a microsecond when it is asked, and random bytes that never change. */
export function createImports(
  module: WebAssembly.Module,
  { file, memory, print }: World,
): WebAssembly.Imports {
  const view = () => new DataView(memory().buffer);
  const bytes = (start: number, length: number) => new Uint8Array(memory().buffer, start >>> 0, length >>> 0);
  const folders = new Set(["", ...file.path.split("/").map((_, i, parts) => parts.slice(0, i).join("/"))]);
  const positions = new Map<number, number>();
  const kindOf = (fd: number) => (fd < ROOT ? CHARACTER_DEVICE : fd === ROOT ? DIRECTORY : REGULAR_FILE);
  let now = 1_700_000_000_000_000_000n;

  const ranges = (start: number, count: number): [number, number][] =>
    Array.from({ length: count }, (_, i) => [
      view().getUint32(start + 8 * i, true),
      view().getUint32(start + 8 * i + 4, true),
    ]);

  const writeStat = (at: number, kind: number, size: number): number => {
    bytes(at, 64).fill(0);
    view().setUint8(at + 16, kind);
    view().setBigUint64(at + 24, 1n, true);
    view().setBigUint64(at + 32, BigInt(size), true);
    return SUCCESS;
  };

  const read = (from: number, start: number, count: number, result: number): number => {
    let position = from;
    for (const [to, length] of ranges(start, count)) {
      const part = file.bytes.subarray(position, position + length);
      bytes(to, part.length).set(part);
      position += part.length;
    }
    view().setUint32(result, position - from, true);
    return position;
  };

  const pathAt = (start: number, length: number): string =>
    new TextDecoder().decode(bytes(start, length)).split("/").filter(Boolean).join("/");
  const filePath = file.path.split("/").filter(Boolean).join("/");

  const calls: Record<string, (...parameters: never[]) => number> = {
    args_sizes_get: (count: number, size: number) => noStrings(count, size),
    environ_sizes_get: (count: number, size: number) => noStrings(count, size),
    args_get: () => SUCCESS,
    environ_get: () => SUCCESS,
    clock_res_get: (_clock: number, result: number) => writeU64(result, 1000n),
    clock_time_get: (_clock: number, _precision: bigint, result: number) => {
      now += 1000n;
      return writeU64(result, now);
    },
    random_get: (start: number, length: number) => {
      bytes(start, length).fill(7);
      return SUCCESS;
    },
    fd_prestat_get: (fd: number, result: number) => {
      if (fd !== ROOT) return BADF;
      view().setUint32(result, 0, true);
      view().setUint32(result + 4, 1, true);
      return SUCCESS;
    },
    fd_prestat_dir_name: (_fd: number, start: number) => {
      bytes(start, 1)[0] = 0x2f;
      return SUCCESS;
    },
    fd_fdstat_get: (fd: number, result: number) => {
      if (fd > ROOT && !positions.has(fd)) return BADF;
      bytes(result, 24).fill(0);
      view().setUint8(result, kindOf(fd));
      view().setBigUint64(result + 8, 0x1fff_ffffn, true);
      view().setBigUint64(result + 16, 0x1fff_ffffn, true);
      return SUCCESS;
    },
    fd_filestat_get: (fd: number, result: number) => {
      if (fd > ROOT && !positions.has(fd)) return BADF;
      return writeStat(result, kindOf(fd), fd > ROOT ? file.bytes.length : 0);
    },
    path_filestat_get: (_fd: number, _flags: number, start: number, length: number, result: number) => {
      const path = pathAt(start, length);
      if (path === filePath) return writeStat(result, REGULAR_FILE, file.bytes.length);
      return folders.has(`/${path}`) || path === "" ? writeStat(result, DIRECTORY, 0) : NOENT;
    },
    path_open: (...parameters: (number | bigint)[]) => {
      const [, , start, length, , , , , result] = parameters.map(Number) as Nine;
      if (pathAt(start, length) !== filePath) return NOENT;
      const fd = Math.max(ROOT, ...positions.keys()) + 1;
      positions.set(fd, 0);
      view().setUint32(result, fd, true);
      return SUCCESS;
    },
    fd_close: (fd: number) => (positions.delete(fd) ? SUCCESS : BADF),
    fd_read: (fd: number, start: number, count: number, result: number) => {
      if (!positions.has(fd)) return fd === 0 ? writeU32(result, 0) : BADF;
      positions.set(fd, read(positions.get(fd) as number, start, count, result));
      return SUCCESS;
    },
    fd_pread: (_fd: number, start: number, count: number, offset: bigint, result: number) => {
      read(Number(offset), start, count, result);
      return SUCCESS;
    },
    fd_seek: (fd: number, offset: bigint, whence: number, result: number) => {
      if (!positions.has(fd)) return SPIPE;
      const base = whence === 0 ? 0 : whence === 1 ? (positions.get(fd) as number) : file.bytes.length;
      const position = base + Number(offset);
      if (position < 0) return INVAL;
      positions.set(fd, position);
      return writeU64(result, BigInt(position));
    },
    fd_tell: (fd: number, result: number) => writeU64(result, BigInt(positions.get(fd) ?? 0)),
    fd_write: (_fd: number, start: number, count: number, result: number) => {
      let total = 0;
      for (const [from, length] of ranges(start, count)) {
        print(new TextDecoder().decode(bytes(from, length).slice()));
        total += length;
      }
      return writeU32(result, total);
    },
  };

  function writeU32(at: number, value: number): number {
    view().setUint32(at, value, true);
    return SUCCESS;
  }

  function writeU64(at: number, value: bigint): number {
    view().setBigUint64(at, value, true);
    return SUCCESS;
  }

  function noStrings(count: number, size: number): number {
    writeU32(count, 0);
    return writeU32(size, 0);
  }

  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {};
    imports[from][name] = (calls[name] as WebAssembly.ImportValue | undefined) ?? (() => NOSYS);
  }
  return imports;
}

type Nine = [number, number, number, number, number, number, number, number, number];
