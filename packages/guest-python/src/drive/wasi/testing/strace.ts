import { ERRNO } from "../defs.ts";

const NAMES = new Map<number, string>(Object.entries(ERRNO).map(([name, number]) => [number, name]));

/**
 * Wraps an import object so that each call is logged with its arguments and what it answered, as `strace` does. What
 * suspends is left as it is: only Wasm can call it.
 */
export function traced(
  imports: WebAssembly.ModuleImports,
  log: (line: string) => void,
): WebAssembly.ModuleImports {
  const wrapped: WebAssembly.ModuleImports = {};
  for (const [name, value] of Object.entries(imports)) {
    if (typeof value !== "function") {
      wrapped[name] = value;
      continue;
    }
    const call = value as (...args: (number | bigint)[]) => number;
    wrapped[name] = (...args: (number | bigint)[]) => {
      const answer = call(...args);
      log(`${name}(${args.join(", ")}) = ${NAMES.get(answer) ?? answer}`);
      return answer;
    };
  }
  return wrapped;
}
