/** Secrets that never enter a sandbox: it sees placeholders, and the host puts values in on the way out. */
import { LIMITS, type SecretSpec, specProblem, UsageError } from "@capsule-run/protocol";
import type { SecretsOnTheWay } from "../capability.ts";
import { placeholderOf } from "./placeholder.ts";
import { createScrubber, replacedText } from "./scrub.ts";
import { replacementOf, Search } from "./search.ts";
import { placeholdersOf, type Secret, substituted } from "./substitute.ts";
import { type Writing, writingsOf } from "./writings.ts";

/** The secrets of one run. */
export interface RunSecrets {
  /** What stands for a secret in the sandboxes of the run; null: there is none of this name. */
  placeholder(name: string): string | null;
  /**
   * The variables that a sandbox sees, of those it may see: of a secret its placeholder, of others what `lookup` gives
   * unless undefined, with values of secrets in it replaced.
   */
  environment(
    names: readonly string[],
    lookup: (name: string) => string | undefined,
  ): Readonly<Record<string, string>>;
  /** For the network. */
  onTheWay(): SecretsOnTheWay;
  /** Text that a sandbox or its caller may see, with placeholders where values were. */
  scrub(text: string): string;
}

/**
 * The secrets of a run, whose placeholders follow from `seed`, which only the host knows.
 * @throws UsageError `secret` for what can't be one
 */
export function createSecrets(specs: readonly SecretSpec[], seed: string): RunSecrets {
  for (const spec of specs) {
    const problem = specProblem(spec);
    if (problem !== null) throw new UsageError("secret", `The secret ${spec.name} can't be used: ${problem}`);
  }
  if (specs.length > LIMITS.secrets)
    throw new UsageError(
      "secret",
      `A run can have ${LIMITS.secrets} secrets, and this one has ${specs.length}`,
    );
  const secrets = withPlaceholders(specs, seed);
  const named = new Map(secrets.map((secret) => [secret.name, secret.placeholder]));
  if (named.size < secrets.length) throw new UsageError("secret", "Two secrets of a run have the same name");
  const way = onTheWay(secrets);
  return {
    placeholder: (name) => named.get(name) ?? null,
    environment(names, lookup) {
      const seen: [string, string][] = [];
      for (const name of names) {
        const value = named.get(name) ?? lookup(name);
        if (value !== undefined) seen.push([name, named.has(name) ? value : way.scrubText(value)]);
      }
      return Object.fromEntries(seen);
    },
    onTheWay: () => way,
    scrub: (text) => way.scrubText(text),
  };
}

/** Placeholders that hold neither one another nor any value. */
function withPlaceholders(specs: readonly SecretSpec[], seed: string): readonly Secret[] {
  const secrets: Secret[] = [];
  for (const spec of specs) {
    const bytes = Buffer.byteLength(spec.value);
    const isClear = (text: string): boolean =>
      !specs.some(({ value }) => text.includes(value)) &&
      !secrets.some(({ placeholder }) => text.includes(placeholder) || placeholder.includes(text));
    let turn = 0;
    let placeholder = placeholderOf(seed, spec.name, bytes, turn);
    while (!isClear(placeholder)) placeholder = placeholderOf(seed, spec.name, bytes, ++turn);
    secrets.push({ ...spec, placeholder });
  }
  return secrets;
}

function onTheWay(secrets: readonly Secret[]): SecretsOnTheWay {
  if (secrets.length === 0)
    return {
      substitute: (request) => request,
      scrubText: (text) => text,
      scrubber: () => null,
      redact: (text) => text,
    };
  const placeholders = once(() => placeholdersOf(secrets));
  const values = once(() => new Search(secrets.flatMap((of) => wanted(of, of.value))));
  const both = once(
    () => new Search(secrets.flatMap((of) => [...wanted(of, of.value), ...wanted(of, of.placeholder)])),
  );
  return {
    substitute: (request, secure) => substituted(request, secure, secrets, placeholders()),
    scrubText: (text) => replacedText(text, values(), replacementOf),
    scrubber: () => createScrubber(values()),
    redact: (text) => replacedText(text, both(), (_, found) => `[secret ${found.wanted.of.name}]`),
  };
}

const wanted = (of: Secret, text: string): { of: Secret; writing: Writing }[] =>
  writingsOf(text, of.placeholder).map((writing) => ({ of, writing }));

/** Made when it is first needed: a run may have secrets and send nothing. */
function once<T>(make: () => T): () => T {
  let made: { readonly it: T } | null = null;
  return () => {
    made ??= { it: make() };
    return made.it;
  };
}
