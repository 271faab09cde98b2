import { extname } from "node:path";
import type { ErrorReport, Language, LoadedTask, Parameters, Place, Question } from "@capsule-run/protocol";
import { guestSdk } from "./parts.ts";

/** How a program's folder is seen: where its project begins, and from where the user looks at it. */
export interface View {
  readonly root: string;
  readonly cwd: string;
}

/** A program with all it imports, in the form that its engine loads. */
export interface Bundle {
  readonly code: Uint8Array;
  /** How places in the code are those of the user's files; empty where they are the same. */
  readonly sourceMap: string;
  /** What decided the bundle. */
  readonly inputs: readonly Question[];
  /** When reading began, in ms since 1970. */
  readonly readAt: number;
  readonly warnings: readonly string[];
  /** Why it needs what only the full variant of its engine has; empty: it does not. */
  readonly needs: readonly string[];
}

export interface BundleRequest extends View {
  readonly file: string;
  /** Folders of the project that files other than code may be taken from; null: all. */
  readonly data: readonly string[] | null;
  /** What is known to need the full variant of the engine, in words; null: nothing. */
  readonly need: string | null;
  /** Something that takes long, such as fetching dependencies. */
  readonly onProgress: (text: string) => void;
}

/** An exception in the user's terms. */
export interface Translated {
  readonly message: string;
  readonly place?: Place | undefined;
  readonly excerpt?: string | undefined;
}

/** A language's words about places in a program. */
export interface Trace {
  /** Reads a source map that the rest will be asked about, so that they need not: a large one takes long. */
  prepare(sourceMap: string): Promise<void>;
  report(report: ErrorReport, sourceMap: string, view: View): Translated;
  places(text: string, sourceMap: string, view: View): string;
  parameters(task: LoadedTask, sourceMap: string): Promise<Parameters | null>;
}

/** What the runtime must know of a language, apart from its engine. What takes time to load is loaded when asked for. */
export interface LanguageSupport {
  readonly name: Language;
  /** How a task is defined, for the error about a program without one. */
  readonly example: string;
  /** Printed text that names places of the bundle has one of these in it. */
  readonly placeMarks: readonly string[];
  bundle(request: BundleRequest): Promise<Bundle>;
  /**
   * Looks at a bundle that somebody else may have made, as closely as a cell has to rely on.
   * @throws Error with what is wrong with it
   */
  checkBundle(code: Uint8Array): Promise<void>;
  trace(): Promise<Trace>;
}

const javascript: LanguageSupport = {
  name: "javascript",
  example: 'mark a function with `task({ name: "main" }, …)`',
  placeMarks: ["capsule:program"],
  async bundle({ file, root, cwd, data }) {
    const { bundleProgram } = await import("@capsule-run/guest-javascript/bundle");
    const bundle = await bundleProgram({ file, root, sdk: guestSdk(), cwd, data });
    return { ...bundle, code: Buffer.from(bundle.code), needs: [] };
  },
  // Whatever it is, the engine says what it thinks of it.
  async checkBundle() {},
  async trace() {
    const trace = await import("@capsule-run/guest-javascript/trace");
    return {
      report: trace.translateReport,
      places: trace.translatePlaces,
      prepare: trace.preparePositions,
      async parameters({ source }, sourceMap) {
        const plain = trace.parametersOf(source);
        // Only the user's own source tells which are optional.
        if (plain === null || plain.names.length === 0) return plain;
        await trace.preparePositions(sourceMap);
        return trace.parametersOf(source, { sourceMap });
      },
    };
  },
};

const python: LanguageSupport = {
  name: "python",
  example: "mark a function with `@task`",
  placeMarks: ['File "/', "/app/"],
  async bundle({ file, root, cwd, data, need, onProgress }) {
    const { bundleProgram } = await import("@capsule-run/guest-python/bundle");
    const full = need ?? undefined;
    const bundle = await bundleProgram({ file, root, cwd, data, full, progress: onProgress });
    return { ...bundle, needs: bundle.reasons };
  },
  async checkBundle(code) {
    (await import("@capsule-run/guest-python/files")).readFiles(code);
  },
  async trace() {
    const trace = await import("@capsule-run/guest-python/trace");
    return {
      report: trace.translateReport,
      places: trace.translatePlaces,
      prepare: async () => {},
      parameters: async (task) => task.parameters ?? null,
    };
  },
};

/** A language by its name. */
export const languageNamed = (name: Language): LanguageSupport => (name === "python" ? python : javascript);

/** The language of a program file, by its name. */
export const languageOf = (file: string): LanguageSupport => (extname(file) === ".py" ? python : javascript);
