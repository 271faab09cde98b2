import { parseHostPattern } from "./host-pattern.ts";
import { LIMITS } from "./limits.ts";
import type { Parsed } from "./policy.ts";
import { isVariableName } from "./policy.ts";

/** A secret with its value: the sandbox sees a placeholder, the value leaves only towards `hosts`. */
export interface SecretSpec {
  /** The variable that holds the placeholder. */
  readonly name: string;
  readonly value: string;
  /** As `parseHostPattern` gives them; `*` is not among them. */
  readonly hosts: readonly string[];
  /** Whether the value may go into the query of a URL. */
  readonly query: boolean;
  /** Whether the value may go into a body. */
  readonly body: boolean;
}

/** A value shorter than this could be guessed, and would be found where it does not stand for itself. */
const LEAST_SECRET = 8;

/** What is wrong with the value of a secret, as the end of a sentence that begins with its name; null: nothing. */
export function secretProblem(value: string): string | null {
  if (value.length < LEAST_SECRET)
    return value === ""
      ? "is empty"
      : `has ${value.length} characters: a secret needs at least ${LEAST_SECRET}, or it could be guessed`;
  if (value.length > LIMITS.secretCharacters)
    return `has ${value.length} characters: a secret has at most ${LIMITS.secretCharacters}`;
  if (/\p{Cc}/u.test(value))
    return "holds a line break or another control character, which no request header can carry";
  return value.isWellFormed() ? null : "is not well-formed text";
}

const HOSTS = 'a list of host names, such as ["api.example.com"]; "*" is not among them';

/** The hosts of a secret: one or more of what `parseHostPattern` takes, but for `*`, which would be no border. */
export function parseSecretHosts(value: unknown): Parsed<readonly string[]> {
  const no = { ok: false, allowed: HOSTS } as const;
  if (!Array.isArray(value) || value.length === 0 || value.length > 1000) return no;
  const hosts = value.map((item) => (typeof item === "string" ? parseHostPattern(item) : null));
  return hosts.every((host): host is string => host !== null && !/^\*(?::|$)/.test(host))
    ? { ok: true, value: hosts }
    : no;
}

/** What is wrong with a secret, in words; null: nothing. */
export function specProblem(spec: SecretSpec): string | null {
  if (!isVariableName(spec.name)) return "its name must be that of an environment variable";
  const hosts = parseSecretHosts(spec.hosts);
  if (!hosts.ok) return `its hosts must be ${hosts.allowed}`;
  const problem = secretProblem(spec.value);
  return problem === null ? null : `its value ${problem}`;
}
