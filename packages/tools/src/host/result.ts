import { toJson } from "@capsule-run/guest-javascript/plain";
import { LIMITS } from "@capsule-run/protocol";
import { place, Refusal, told } from "./problem.ts";
import type { Checked, Validator } from "./schema.ts";

/**
 * What a handler gave, as JSON text. A library's schema sees the value itself, a JSON Schema what JSON makes of it.
 * @throws Refusal `InvalidOutput`
 */
export async function resultText(name: string, result: unknown, output: Validator | null): Promise<string> {
  if (!output?.standard) {
    const text = encoded(name, result);
    if (output) accept(name, output, await output.check(JSON.parse(text)));
    return text;
  }
  return encoded(name, accept(name, output, await output.check(result)));
}

/**
 * A result that is JSON text already: it stays as it is, so that its numbers keep their digits.
 * @throws Refusal `InvalidOutput`
 */
export async function checkResultText(name: string, text: string, output: Validator | null): Promise<void> {
  if (output) accept(name, output, await output.check(JSON.parse(text)));
}

function encoded(name: string, value: unknown): string {
  const json = toJson(value, LIMITS.effectBytes);
  if (json.ok) return json.text;
  throw new Refusal("InvalidOutput", `${name} gave ${json.problem}`);
}

/** The values are the host's: of a library's message, which may quote them, the program gets the place alone. */
function accept(name: string, { standard }: Validator, checked: Checked): unknown {
  if (checked.ok) return checked.value;
  const [first] = checked.problems;
  const text = standard
    ? `${place("result", first?.path ?? [])} is not what its output schema allows`
    : told("result", checked.problems);
  throw new Refusal("InvalidOutput", `${name}: ${text}`);
}
