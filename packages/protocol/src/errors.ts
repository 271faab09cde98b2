/** The ways a task can fail: a closed set, each explained in `docs/errors.md`. */
export const ERROR_TYPES = [
  "task_error",
  "timeout",
  "out_of_fuel",
  "out_of_memory",
  "stack_overflow",
  "cancelled",
  "invalid_arguments",
  "invalid_result",
  "deadlock",
  "limit_exceeded",
  "internal_error",
] as const;

export type ErrorType = (typeof ERROR_TYPES)[number];

/** What another attempt can't mend, because it would meet the same cause again. */
const FINAL: ReadonlySet<ErrorType> = new Set<ErrorType>([
  "invalid_arguments",
  "invalid_result",
  "cancelled",
  "deadlock",
  "out_of_fuel",
  "stack_overflow",
  "limit_exceeded",
]);

export const isErrorType = (value: unknown): value is ErrorType =>
  typeof value === "string" && (ERROR_TYPES as readonly string[]).includes(value);

/** Whether `maxRetries` applies to a failure of this type. */
export const isRetryable = (type: ErrorType): boolean => !FINAL.has(type);

/** A place in a file the user wrote. Lines and columns count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Reasons for exit code 2: wrong use, configuration or compile errors. */
export type UsageSlug =
  | "arguments"
  | "capsule-toml"
  | "compile"
  | "duplicate-task"
  | "engine"
  | "file-not-found"
  | "load"
  | "no-entrypoint"
  | "no-main"
  | "no-task"
  | "not-yet"
  | "task-option";

/**
 * Wrong use, said once and clearly: what the user wrote, where, and what to do.
 * The command line prints it and exits with 2; `run()` throws it.
 */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly slug: UsageSlug;
  readonly place: Place | undefined;
  /** Source lines around `place`, ready to print, with a marker under the column. */
  readonly excerpt: string | undefined;

  constructor(
    slug: UsageSlug,
    message: string,
    where: { place?: Place | undefined; excerpt?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, where.cause === undefined ? undefined : { cause: where.cause });
    this.slug = slug;
    this.place = where.place;
    this.excerpt = where.excerpt;
  }
}
