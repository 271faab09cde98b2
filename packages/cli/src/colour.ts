/** The styles of our own lines. */
export type Style = "bold" | "dim" | "green" | "red" | "yellow";

const CODES: Readonly<Record<Style, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  green: [32, 39],
  red: [31, 39],
  yellow: [33, 39],
};

export type Paint = (style: Style, text: string) => string;

const PLAIN: Paint = (_style, text) => text;
const ANSI: Paint = (style, text) => `\u001b[${CODES[style][0]}m${text}\u001b[${CODES[style][1]}m`;

/** Whether our lines on stderr are coloured: FORCE_COLOR wins over NO_COLOR (as in Node), which wins over the terminal. */
export function wantsColour(env: NodeJS.ProcessEnv, terminal: boolean): boolean {
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== "0" && env.FORCE_COLOR !== "false";
  if (env.NO_COLOR) return false;
  return terminal && env.TERM !== "dumb";
}

export const painter = (env: NodeJS.ProcessEnv, terminal: boolean): Paint =>
  wantsColour(env, terminal) ? ANSI : PLAIN;
