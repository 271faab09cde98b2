/** Stacks in the lines of the code that runs, without the frames of what runs it. */

/** How the engine names what was evaluated; the first line is ours. */
const PLACE = /<input>:(\d+)/g;
const OURS = /^ *at (?:.*\(capsule:program:[\d:]*\)|eval \(native\))/;
const FILE = "code.js";

/** Before it, `error.stack` names places as the engine does. */
export function installStacks(): void {
  const native = Object.getOwnPropertyDescriptor(Error.prototype, "stack");
  if (!native?.get) return;
  const { get } = native;
  Object.defineProperty(Error.prototype, "stack", {
    ...native,
    get(this: unknown): unknown {
      const stack: unknown = Reflect.apply(get, this, []);
      return typeof stack === "string" ? placed(stack) : stack;
    },
  });
}

/** A text with stacks in it. */
export function placed(text: string): string {
  if (!text.includes("<input>") && !text.includes("capsule:program")) return text;
  return withoutOurs(text)
    .replace(
      /at <eval> \(<input>:(\d+):(\d+)\)/g,
      (_, line, column) => `at ${FILE}:${before(line)}:${column}`,
    )
    .replace(PLACE, (_, line) => `${FILE}:${before(line)}`);
}

/** What follows our frame in its line stays: `inspect` opens the braces of an error's properties there. */
function withoutOurs(text: string): string {
  const lines: string[] = [];
  for (const line of text.split("\n")) {
    const [frame] = OURS.exec(line) ?? [];
    if (frame === undefined || lines.length === 0) lines.push(line);
    else lines[lines.length - 1] += line.slice(frame.length);
  }
  return lines.join("\n");
}

/** The engine names our own line for what has no place. */
const before = (line: string): number => Math.max(1, Number(line) - 1);
