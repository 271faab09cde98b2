import { problem, type Requirement, type Surroundings } from "./requirements.ts";
import { PROVIDED, SDK } from "./stubs.ts";
import { allows } from "./versions.ts";

/**
 * Whether the engine has what a requirement asks for.
 * @throws UsageError if it has another version
 */
export function isProvided({ name, text, wheel, at }: Requirement, surroundings: Surroundings): boolean {
  if (name === SDK) return true;
  const provided = PROVIDED.get(name);
  if (!provided) return false;
  // Extras and markers are for the resolver to understand.
  const range = wheel || text.includes(" @ ") ? null : /^[\w.-]+\s*\(?([^[\];()@]*)\)?\s*$/.exec(text)?.[1];
  const allowed = range === undefined || range === null ? null : allows(range, provided.version);
  if (allowed === false)
    throw problem(
      `"${text}": the Python engine has ${name} ${provided.version}, and no other version can be used`,
      at,
      surroundings,
      "dependency-version",
    );
  return allowed === true;
}
