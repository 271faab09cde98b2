import { Reader } from "./binary.ts";
import { readCallGraph } from "./callgraph.ts";
import { InstructionPool } from "./instruction.ts";
import { readNames } from "./names.ts";
import { Op } from "./opcodes.ts";
import { type DataSegment, decodeModule } from "./sections.ts";

/** A function that a module defines. */
export interface FunctionFacts {
  /** Among all functions, imported ones first. */
  readonly index: number;
  /** What the name section calls it. */
  readonly name: string | undefined;
  /** Indices of the defined functions it calls directly. */
  readonly calls: readonly number[];
  /** Its body: the declarations of locals, and its instructions. */
  readonly body: Uint8Array;
}

/** What a module's functions are called and whom they call: to choose by what may be cut. */
export function inspectFunctions(wasm: Uint8Array): FunctionFacts[] {
  const module = decodeModule(wasm);
  const names = readNames(module).functions;
  const { callees } = readCallGraph(module, new Map(), new InstructionPool());
  return module.bodies.map(({ start, end }, n) => {
    const index = module.importedFunctions + n;
    const calls = (callees[n] ?? []).map((callee) => module.importedFunctions + callee);
    return { index, name: names.get(index), calls, body: wasm.subarray(start, end) };
  });
}

/** The bytes that a module's active segments put at an address, up to the end of the segment. */
export function initialMemory(wasm: Uint8Array): (address: number) => Uint8Array | undefined {
  const segments = decodeModule(wasm).data.filter(({ passive }) => !passive);
  const placed = segments.map((segment) => placeOf(wasm, segment));
  return (address) => {
    const found = placed.find(({ from, content }) => address >= from && address < from + content.length);
    return found?.content.subarray(address - found.from);
  };
}

function placeOf(wasm: Uint8Array, { start, end, size }: DataSegment): { from: number; content: Uint8Array } {
  const reader = new Reader(wasm, start, end);
  reader.u32();
  const from = reader.byte() === Op.i32Const ? reader.s32() : Number.NaN;
  return { from, content: wasm.subarray(end - size, end) };
}
