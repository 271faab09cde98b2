/** The ways a task can fail: a closed set. Each has its page, `docs/errors/TYPE.md`. */
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

/**
 * Reasons for exit code 2: wrong use, configuration or compile errors, one for each advice there is to give. Each has
 * its page, `docs/errors/SLUG.md`. `node-version` is the launcher's, which is too early for an exception.
 */
export type UsageSlug =
  | "args-file"
  | "arguments"
  | "artifact"
  | "capsule-toml"
  | "cli-missing"
  | "cli-version"
  | "compile"
  | "dependency-fetch"
  | "dependency-file"
  | "dependency-version"
  | "duplicate-task"
  | "engine"
  | "engine-missing"
  | "file-not-found"
  | "load"
  | "load-limit"
  | "mount"
  | "native-code"
  | "no-entrypoint"
  | "no-main"
  | "no-run"
  | "no-task"
  | "node-version"
  | "not-a-program"
  | "not-yet"
  | "outside-project"
  | "policy"
  | "records"
  | "requirements"
  | "run-option"
  | "runtime-closed"
  | "secret"
  | "task-option"
  | "tool"
  | "too-large"
  | "unknown-command"
  | "unknown-option"
  | "unresolved-import"
  | "workspace";

/** A text that ends with its slug: behind a line, below several. */
export const withSlug = (text: string, slug: UsageSlug): string =>
  `${text}${text.includes("\n") ? "\n" : " "}[${slug}]`;

/**
 * Wrong use, said once and clearly: what the user wrote, where, and what to do.
 * The command line prints it and exits with 2; `run()` throws it. The message ends with the slug.
 */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly slug: UsageSlug;
  /** The message without the slug. */
  readonly text: string;
  readonly place: Place | undefined;
  /** Source lines around `place`, ready to print, with a marker under the column. */
  readonly excerpt: string | undefined;

  constructor(
    slug: UsageSlug,
    text: string,
    where: { place?: Place | undefined; excerpt?: string | undefined; cause?: unknown } = {},
  ) {
    super(withSlug(text, slug), where.cause === undefined ? undefined : { cause: where.cause });
    this.slug = slug;
    this.text = text;
    this.place = where.place;
    this.excerpt = where.excerpt;
  }
}

/** Whether it is a `UsageError`, of this copy of the class or of the one in another bundle, such as the runtime's. */
export const isUsageError = (error: unknown): error is UsageError =>
  error instanceof UsageError || (error instanceof Error && error.name === "UsageError");
