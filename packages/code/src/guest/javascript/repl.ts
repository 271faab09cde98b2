/**
 * Runs pieces of code in the global scope, as a REPL does: what they define stays, and the last expression gives a value.
 *
 * A piece can reach all of this and break it, in its own sandbox. The host looks at the answer as at anything a guest says.
 */
import { begin, type Limits, type RichOutput } from "./display.ts";
import { describe, describeSyntax, type Raised } from "./errors.ts";
import { jsonOf, shown } from "./inspected.ts";
import { settle } from "./surroundings.ts";
import { asItIs, type Piece, script, translate } from "./translate.ts";

/** What the host says of one piece: `callOf` of `src/call.ts` makes it. */
export interface Options {
  readonly env: Readonly<Record<string, string>>;
  readonly limits: Limits;
  /** The code translated, if somebody had the time for it; true: it needs no translation. */
  readonly piece?: Piece | true | undefined;
}

/** What `src/answer.ts` reads. What there is not is left out: a `null` in a result makes the engine look at all of it. */
interface Answer {
  has: boolean;
  value?: string | undefined;
  text?: string | undefined;
  long?: true | undefined;
  outputs?: RichOutput[] | undefined;
  dropped?: number | undefined;
  error?: Raised | undefined;
}

// biome-ignore lint/security/noGlobalEval: running code is what this is for
const evaluate = globalThis.eval;
const { defineProperty } = Object;
let begun = false;

/** Bytes that a call of a session needs at the least. */
const ROOM = 1024 * 1024;

/** What is slow at its first use: so it is in the snapshot, and no call pays for it. */
export function warm(): void {
  for (const code of ["const [a, { b }] = [1, { b: `2` }]; /x/.test(b)", "await 1; import('x')", "let x ="])
    try {
      translate(code);
    } catch (raised) {
      describeSyntax(raised, code);
    }
  for (const value of [1, "a", [1, { a: null }], new Map([[1, 2]])]) jsonOf(shown(value, 100), 100);
  describe(new TypeError("a"));
}

/** Runs one piece. What it throws is in the answer. */
export async function run(code: string, { env, limits, piece: given }: Options): Promise<Answer> {
  if (!begun) settle(env);
  begun = true;
  const shownHere = begin(limits);
  let value: unknown;
  let error: Raised | undefined;
  const piece = (given === true ? script(code) : given) ?? asItIs(code) ?? translated(code);
  if ("traceback" in piece) error = piece;
  else
    try {
      // A promise that the last expression gives is waited for.
      value = await perform(piece);
    } catch (raised) {
      error = raised instanceof SyntaxError ? inCode(code, raised) : describe(raised);
      if (raised === null || error.traceback === "" || error.message === "out of memory") needRoom();
    }
  const answer: Answer = { has: error === undefined && value !== undefined, error };
  if (answer.has) {
    const { text, long } = shown(value, limits.valueCharacters);
    answer.value = jsonOf(value, limits.valueBytes) ?? undefined;
    answer.text = text;
    if (long) answer.long = true;
  }
  // Only now: showing a value may have shown more.
  if (shownHere.outputs.length > 0) answer.outputs = shownHere.outputs;
  if (shownHere.dropped > 0) answer.dropped = shownHere.dropped;
  return answer;
}

/**
 * What code has filled to the brim has no room left for code that would empty it: the call then ends with the engine's
 * error, which the host takes back with all that it did. The engine throws `null` where not even an error fits.
 */
function needRoom(): void {
  new Uint8Array(ROOM);
}

function translated(code: string): Piece | Raised {
  try {
    return translate(code);
  } catch (raised) {
    return describeSyntax(raised, code);
  }
}

/** An error of the engine's parser, in the words of ours if it finds one, too: those say where. */
function inCode(code: string, raised: SyntaxError): Raised {
  const found = translated(code);
  return "traceback" in found ? found : describe(raised);
}

function perform({ names, functions, source }: Piece): unknown {
  for (const name of names)
    if (!(name in globalThis))
      defineProperty(globalThis, name, {
        ...{ value: undefined, writable: true, enumerable: true, configurable: true },
      });
  if (functions !== null) evaluate(functions);
  return evaluate(source);
}
