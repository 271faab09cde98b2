import { availableParallelism } from "node:os";
import { cutPackages } from "@capsule-run/engine-python";
import { createRuntime } from "@capsule-run/runtime";
import { allOf, type ModuleResult, type Outcomes } from "./outcomes.ts";
import { makeProject } from "./project.ts";
import type { TestPackage } from "./source.ts";

export interface SuiteOptions {
  readonly tests: TestPackage;
  readonly modules: readonly string[];
  readonly outcomes: Outcomes;
  /** Sandboxes at a time; default: one per core. */
  readonly cells?: number | undefined;
  /** Told of each module when it has ended. */
  readonly onResult?: (module: string, result: ModuleResult, ms: number) => void;
  readonly onProgress?: (text: string) => void;
}

/** Runs each module of the tests in a sandbox of its own. */
export async function runModules(options: SuiteOptions): Promise<ReadonlyMap<string, ModuleResult>> {
  const { tests, modules, outcomes, onResult, onProgress } = options;
  const cells = options.cells ?? availableParallelism();
  using project = makeProject(tests, modules);
  await using runtime = await createRuntime({
    cwd: project.folder,
    cells,
    onProgress: (step) => step && onProgress?.(step.text),
  });
  const { file } = project;
  await runtime.load(file);
  const results = new Map<string, ModuleResult>();
  const waiting = [...modules];
  const work = async (): Promise<void> => {
    for (let module = waiting.shift(); module !== undefined; module = waiting.shift()) {
      const begun = new LastTest();
      const { envelope } = await runtime.run({
        file,
        args: [module, allOf(outcomes.modules[module]?.leftOut), cutPackages(), []],
        onOutput: ({ stream, bytes }) => stream === "stderr" && begun.read(bytes),
      });
      const result: ModuleResult = envelope.success
        ? (JSON.parse(envelope.resultJson) as ModuleResult)
        : { error: `${envelope.error.error_type}${begun.place}: ${envelope.error.message.trim()}` };
      results.set(module, result);
      onResult?.(module, result, envelope.execution.duration_ms);
    }
  };
  // No more at a time than there are cells: each has its whole timeout.
  await Promise.all(Array.from({ length: cells }, work));
  return results;
}

/** Which test was begun last, by what the program prints. */
class LastTest {
  #name = "";

  read(bytes: Uint8Array): void {
    for (const [, name] of Buffer.from(bytes)
      .toString()
      .matchAll(/^BEGIN (.*)$/gm))
      this.#name = name ?? "";
  }

  get place(): string {
    return this.#name === "" ? "" : ` in ${this.#name}`;
  }
}
