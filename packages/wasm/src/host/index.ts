/** What a host of rewritten modules needs beside them: small, and without the rewriter. */
export { GATE } from "../gate.ts";
export { FuelClock } from "./clock.ts";
export { FuelTank, SLICE } from "./fuel.ts";
export { mutableGlobals } from "./globals.ts";
export { clearMarks, dirtyRuns, type MarkMap, markRange, type Run, SLOP } from "./marks.ts";
export { applied, difference, PAGE, type PageDifference, readDifference, WASM_PAGE } from "./pages.ts";
