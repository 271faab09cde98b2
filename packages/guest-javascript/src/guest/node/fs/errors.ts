/** Errors as Node's `fs` throws them, with the path as the program gave it. */

/** Errno names: their number on Linux, and the words libuv has for them. */
const ERRORS: Readonly<Record<string, readonly [number, string]>> = {
  EPERM: [1, "operation not permitted"],
  ENOENT: [2, "no such file or directory"],
  EIO: [5, "i/o error"],
  ENXIO: [6, "no such device or address"],
  EBADF: [9, "bad file descriptor"],
  EAGAIN: [11, "resource temporarily unavailable"],
  ENOMEM: [12, "not enough memory"],
  EACCES: [13, "permission denied"],
  EBUSY: [16, "resource busy or locked"],
  EEXIST: [17, "file already exists"],
  EXDEV: [18, "cross-device link not permitted"],
  ENODEV: [19, "no such device"],
  ENOTDIR: [20, "not a directory"],
  EISDIR: [21, "illegal operation on a directory"],
  EINVAL: [22, "invalid argument"],
  ENFILE: [23, "file table overflow"],
  EMFILE: [24, "too many open files"],
  ETXTBSY: [26, "text file is busy"],
  EFBIG: [27, "file too large"],
  ENOSPC: [28, "no space left on device"],
  ESPIPE: [29, "invalid seek"],
  EROFS: [30, "read-only file system"],
  EMLINK: [31, "too many links"],
  ENAMETOOLONG: [36, "name too long"],
  ENOSYS: [38, "function not implemented"],
  ENOTEMPTY: [39, "directory not empty"],
  ELOOP: [40, "too many symbolic links encountered"],
  EOVERFLOW: [75, "value too large for defined data type"],
  ENOTSUP: [95, "operation not supported on socket"],
  EDQUOT: [122, "disk quota exceeded"],
};

/** What an operation is called in its error. */
export interface About {
  /** The system call. */
  readonly syscall: string;
  readonly path?: string | undefined;
  readonly dest?: string | undefined;
}

export interface FileError extends Error {
  errno?: number;
  code: string;
  syscall?: string;
  path?: string;
  dest?: string;
}

/** An error of the system. @param reason what is not said by the code */
export function systemError(code: string, { syscall, path, dest }: About, reason = ""): FileError {
  const [number, words] = ERRORS[code] ?? [0, "unknown error"];
  const names = path === undefined ? "" : ` '${path}'${dest === undefined ? "" : ` -> '${dest}'`}`;
  const error = new Error(`${code}: ${words}${reason}, ${syscall}${names}`) as FileError;
  if (number > 0) error.errno = -number;
  error.code = code;
  error.syscall = syscall;
  if (path !== undefined) error.path = path;
  if (dest !== undefined) error.dest = dest;
  return error;
}

/** What an effect failed with, as Node would say it. Anything else stays what it is. */
export function translated(thrown: unknown, about: About): unknown {
  const { code, message } = thrown as { code?: unknown; message: string };
  if (!(thrown instanceof Error) || typeof code !== "string") return thrown;
  if (code in ERRORS) return systemError(code, about, code === "EINVAL" ? "" : reasonIn(message));
  // A limit, which only the host can name.
  return Object.assign(new Error(message), { code, syscall: about.syscall });
}

/** What the host adds to a code: why a symlink is not followed, for instance. */
const reasonIn = (message: string): string => /^[^(]*( \(.*\)), \w+(?: |$)/s.exec(message)?.[1] ?? "";

const coded = <E extends Error>(error: E, code: string): E => Object.assign(error, { code });

export const wrongType = (name: string, allowed: string, given: unknown): TypeError =>
  coded(
    new TypeError(`The "${name}" argument must be ${allowed}. Received ${described(given)}`),
    "ERR_INVALID_ARG_TYPE",
  );

export const wrongValue = (name: string, problem: string, given: unknown): TypeError =>
  coded(
    new TypeError(`The argument '${name}' ${problem}. Received '${shown(String(given))}'`),
    "ERR_INVALID_ARG_VALUE",
  );

export const outOfRange = (name: string, allowed: string, given: unknown): RangeError =>
  coded(
    new RangeError(
      `The value of "${name}" is out of range. It must be ${allowed}. Received ${String(given)}`,
    ),
    "ERR_OUT_OF_RANGE",
  );

export const failed = (code: string, message: string): Error => coded(new Error(message), code);

/** Control characters as Node shows them. */
const shown = (text: string): string =>
  [...text]
    .map((c) => (c < " " ? `\\x${c.charCodeAt(0).toString(16).padStart(2, "0").toUpperCase()}` : c))
    .join("");

function described(given: unknown): string {
  if (given === null || given === undefined) return String(given);
  if (typeof given === "function") return `function ${given.name}`;
  if (typeof given === "object") return `an instance of ${given.constructor?.name ?? "Object"}`;
  return `type ${typeof given} (${typeof given === "string" ? `'${given}'` : String(given)})`;
}
