import { cutText } from "@capsule-run/protocol";

/** What is wrong with a value, and where in it. */
export interface Problem {
  readonly path: readonly PropertyKey[];
  /** What is allowed there, in words that follow the place: `must be a string`. */
  readonly text: string;
}

/** Why a call comes to nothing, as the program hears it. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  /** `InvalidInput`, `InvalidOutput`, `Denied`, `Timeout`, `Cancelled`; or what a remote tool says. */
  readonly type: string;

  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

const MOST_PROBLEMS = 5;
const MOST_NAME = 60;
const MOST_PATH = 200;
const MOST_TEXT = 500;

/** A place in a value, such as `input.items[0]["the key"]`. */
export function place(root: string, path: readonly PropertyKey[]): string {
  let text = root;
  for (const key of path) {
    const name = String(key);
    if (/^\d{1,10}$/.test(name)) text += `[${name}]`;
    else if (/^[A-Za-z_$][\w$]{0,59}$/.test(name)) text += `.${name}`;
    else text += `[${JSON.stringify(cutText(name, MOST_NAME))}]`;
  }
  return text.length > MOST_PATH ? `${text.slice(0, 100)}…${text.slice(-80)}` : text;
}

/** Some problems in one line. */
export function told(root: string, problems: readonly Problem[]): string {
  const lines = problems
    .slice(0, MOST_PROBLEMS)
    .map(({ path, text }) => `${place(root, path)} ${cutText(text, MOST_TEXT)}`);
  const more = problems.length - lines.length;
  return more > 0 ? `${lines.join("; ")}; and ${more} more` : lines.join("; ");
}
