import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { ENVIRONMENT_FILES, isVariableName, LIMITS } from "@capsule-run/protocol";

/** Where variables get their values. */
export interface Environment {
  /** The value of a variable; undefined: it has none. */
  get(name: string): string | undefined;
  /** Names of all variables that have one. */
  names(): readonly string[];
  /** A line each for files that could not be used. */
  readonly warnings: readonly string[];
}

/** Where variables have their values. */
export type Variables = Pick<Environment, "get" | "names">;

/**
 * What a project's tasks can be given: the process's `own` variables, and those of the `.env` files for what the process
 * does not have. A file that can't be used is left out, with a warning; a folder of that name (Python's virtual
 * environments have it) is none.
 */
export function readEnvironment(
  root: string,
  own: Readonly<Record<string, string | undefined>>,
): Environment {
  const values = new Map<string, string>();
  const warnings: string[] = [];
  for (const name of ENVIRONMENT_FILES) {
    const file = readVariables(join(root, name));
    if (typeof file === "string") warnings.push(`${name} is not used: ${file}`);
    else for (const [variable, value] of file) values.set(variable, value);
  }
  return {
    get: (name) =>
      isVariableName(name)
        ? ((Object.hasOwn(own, name) ? own[name] : undefined) ?? values.get(name))
        : undefined,
    names: () =>
      [...new Set([...Object.keys(own).filter((name) => own[name] !== undefined), ...values.keys()])].filter(
        isVariableName,
      ),
    warnings,
  };
}

/** The variables of a file, none if there is no such file; or why it can't be used. */
function readVariables(path: string): readonly (readonly [name: string, value: string])[] | string {
  let text: string;
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined || stat.isDirectory()) return [];
    if (!stat.isFile()) return "it is not a file";
    if (stat.size > LIMITS.environmentBytes) return `it has more than ${LIMITS.environmentBytes} bytes`;
    text = new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ERR_ENCODING_INVALID_ENCODED_DATA"
      ? "it is not UTF-8 text"
      : `it can't be read (${code})`;
  }
  if (text.includes("\0")) return "it holds a NUL";
  return Object.entries(parseEnv(withoutBlanks(text))).flatMap(([name, value]) =>
    isVariableName(name) && value !== undefined ? [[name, value] as const] : [],
  );
}

/** Node's parser takes the next line for the value of `NAME= ` with blanks behind it. */
const withoutBlanks = (text: string): string => text.replace(/^([^\n#=]*=)[ \t]+(?=\r?$)/gm, "$1");

/**
 * The variables of a project's tasks. `read` is called when the first one is asked for, since few programs do, and its
 * warnings are told then.
 */
export function openVariables(read: () => Environment, warn: (message: string) => void): Variables {
  let made: Environment | null = null;
  const environment = (): Environment => {
    if (made) return made;
    made = read();
    for (const warning of made.warnings) warn(warning);
    return made;
  };
  return { get: (name) => environment().get(name), names: () => environment().names() };
}

/** On Windows a variable has one name, however it is written. */
const written = process.platform === "win32" ? (name: string) => name.toUpperCase() : (name: string) => name;

/**
 * Values of variables that are no secrets, whatever is declared of these. A program that turned out to need more of its
 * engine is loaded again, and may say another time what its tasks ask for: a secret that none of them asked for when the
 * run began is not there.
 */
export function withoutSecrets(
  variables: Pick<Variables, "get">,
  secrets: readonly { readonly name: string }[],
): Variables["get"] {
  const kept = new Set(secrets.map(({ name }) => written(name)));
  return (name) => (kept.has(written(name)) ? undefined : variables.get(name));
}
