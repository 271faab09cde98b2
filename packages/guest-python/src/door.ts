/**
 * How the prelude inside the engine and `drive` outside it speak: the whole list. Both directions are bytes; there is
 * no other door beside WASI, through which printing, sleeping, the clock, randomness and files go.
 *
 * ## From the guest
 * `_host.call(bytes) -> bytes` of the engine, which imports `host.call(ptr, len, out_pp, out_lp)`. The first byte is the
 * operation:
 *
 * | | payload | answer | |
 * |---|---|---|---|
 * | `c` | task, NUL, arguments | call id in digits | starts an async task call |
 * | `w` | task, NUL, arguments | the envelope as JSON | a sync call: suspends the sandbox until the task has ended |
 * | `h` | name, NUL, request | the answer | an effect: suspends the sandbox until it is done |
 * | `i` | name, NUL, request | call id in digits | starts an effect; its answer comes as the envelope of a call does |
 * | `p` | name, NUL, request | nothing | an effect that nobody waits for |
 * | `r` | wake, comma, number of pending calls | `C`, call id, NUL, envelope; or `W` | blocks, as `asyncio.run()` in sync code does, until the next completion or the time `wake` |
 * | `x` | call id in digits | nothing | gives up a pending async call or effect: a task is cancelled |
 * | `?` | a word | nothing | while loading: see below |
 *
 * `wake` is ms since 1970, in decimal with up to three digits behind the point, or empty. `arguments` are a JSON array,
 * or `{"args": […], "kwargs": {…}}` where the call has arguments by keyword. Effects, their requests and answers are
 * those of `effects.ts` in the protocol. An unknown operation, a malformed payload
 * or one that is too long is an OSError in the guest (−2); nothing that a guest passes is trusted, and programs can use
 * the door without the prelude.
 *
 * ## To the guest
 * `turn(BOOT_SCRIPT)` leaves the function `entry(bytes) -> bytes` in `__main__` under `ENTRY_NAME`; the prelude keeps it
 * alive, so that its pointer stays good in every image made of this memory. It is called through a promising
 * `PyObject_CallOneArg`. The first byte of a message is the operation:
 *
 * | | payload | |
 * |---|---|---|
 * | `B` | `core` or `full` | once, at boot: imports what every program shall find imported, cleans `__main__`, freezes the heap |
 * | `Z` | nothing, or `AttemptSurroundings` as JSON | after a restore, before everything else: gives all randomness a new state, and the attempt its variables and mounts |
 * | `L` | the entry's path in the guest; for a load without capabilities NUL and a JSON list of names of variables | imports the program; the result is `LoadedProgram` as JSON |
 * | `S` | task, NUL, arguments | runs a task |
 * | `C` | call id, NUL, envelope | completes an async call |
 * | `W` | | time has passed: timers may be due |
 *
 * It answers with one of `STATUS`, and never raises; NULL means that not even its own error handling could run (memory
 * or stack are used up, or an interrupt came in between).
 *
 * | | rest | meaning |
 * |---|---|---|
 * | `R` | JSON text | the result |
 * | `E` | `GuestReport` as JSON | an exception that nothing caught |
 * | `X` | `error_type`, a space, a message | the task failed in a way that has a type of its own, in our words |
 * | `I` | wake or nothing, a comma, number of pending calls | idle |
 *
 * A wake that has passed already is a busy guest that wants to know whether a call is complete.
 * `sys.exit()` and `sys.exit(0)` are `Rnull`; other codes are reports named `SystemExit` without a traceback.
 *
 * ## Loading
 * Everything that the program's top-level code asks for and that differs between attempts makes the snapshot `before`.
 * The drive sees each question for the clock and for randomness, but not who asks. So the prelude says with `?`, between
 * `L` and its answer, whose code runs from now on; at the start of `L` it is the program's:
 *
 * | word | whose code | what counts as asked |
 * |---|---|---|
 * | `program` | the program's files in `/app`, and all that they call | everything |
 * | `packages` | modules of `/site-packages` while they are imported | everything but the clock |
 * | `library` | modules of the engine while they are imported; the garbage collector, which asks the clock | nothing |
 *
 * The others name something that the program or a package asked for and that only the prelude can see:
 *
 * | word | |
 * |---|---|
 * | `random` | one of the global generators of `random` and `numpy.random` was used or seeded. They are seeded anew by `Z`, also before the `L` of an attempt |
 * | `environment` | a variable was read, or all were. Those that `L` names have a stand-in for a value meanwhile |
 * | `files` | a folder of the program was listed. The drive itself sees paths that lead to nothing |
 *
 * There are no more words: any other is refused.
 */
import type { LoadedTask } from "@capsule-run/protocol";

/** The global of `__main__` in which `turn(BOOT_SCRIPT)` leaves the entry function, until the answer to `B`. */
export const ENTRY_NAME = "__capsule_entry__";

/** What the entry function answers, by its first character. */
export const STATUS = { result: "R", error: "E", typed: "X", idle: "I" } as const;

/** The words of `?` that say whose code runs while a program is loaded. */
export const WHO = ["program", "packages", "library"] as const;
/** The others: what was asked for, and what that is called among the reasons for a snapshot. */
export const ASKED = { random: "randomness", environment: "the environment", files: "files" } as const;

/** What comes with `Z`, if there is anything. */
export interface AttemptSurroundings {
  readonly environment: Readonly<Record<string, string>>;
  /** Whether folders are mounted: then the program's own files are in `HIDDEN_FOLDER` too, to be imported. */
  readonly mounted: boolean;
}

/** See `AttemptSurroundings`: a folder of the root, with `/app` in it. */
export const HIDDEN_FOLDER = ".program";

/** The result of `L`. */
export interface LoadedProgram {
  /** Empty: the program defines none. */
  readonly tasks: readonly LoadedTask[];
  /** The task a run begins with; empty without tasks. */
  readonly entry: string;
  /** What the user should know of how it was chosen. */
  readonly notice: string | null;
}

/**
 * What `E` carries: `stack` is the traceback as CPython prints it, with files of `/app`, `/site-packages` and the engine,
 * without our frames; `message` is its last line, `name` the class of the exception without its module.
 */
export interface GuestReport {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  /** Absent: `task_error`. */
  readonly type?: "stack_overflow" | "out_of_memory";
}
