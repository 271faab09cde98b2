/** A rewritten module's own mutable globals, which the rewriter exports by number. */
export function mutableGlobals(exports: WebAssembly.Exports): WebAssembly.Global<"i32">[] {
  const globals: WebAssembly.Global<"i32">[] = [];
  for (let i = 0; exports[`capsule_global_${i}`]; i++)
    globals.push(exports[`capsule_global_${i}`] as WebAssembly.Global<"i32">);
  return globals;
}
