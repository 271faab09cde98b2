import { Reader } from "../../src/binary.ts";
import { decodeModule, ExternKind, type Module, SectionId } from "../../src/sections.ts";

/** What a module imports, with the types that the JavaScript API does not tell. */
export type Import =
  | {
      readonly kind: "function";
      readonly module: string;
      readonly name: string;
      readonly params: readonly number[];
      readonly results: readonly number[];
    }
  | {
      readonly kind: "global";
      readonly module: string;
      readonly name: string;
      readonly type: number;
      readonly mutable: boolean;
    }
  | {
      readonly kind: "table";
      readonly module: string;
      readonly name: string;
      readonly type: number;
      readonly minimum: number;
      readonly maximum: number | undefined;
    }
  | {
      readonly kind: "tag";
      readonly module: string;
      readonly name: string;
      readonly params: readonly number[];
    };

/** The imports of a module that the rewriter takes. */
export function importsOf(module: Module): Import[] {
  const section = module.items.get(SectionId.import);
  if (section === undefined) return [];
  const reader = new Reader(module.bytes, section.start, section.end);
  return Array.from({ length: section.count }, () => readImport(reader, module));
}

function readImport(reader: Reader, { types }: Module): Import {
  const names = { module: reader.name(), name: reader.name() };
  switch (reader.byte()) {
    case ExternKind.function: {
      const { params, results } = types[reader.u32()] ?? { params: [], results: [] };
      return { kind: "function", ...names, params, results };
    }
    case ExternKind.table: {
      const type = reader.byte();
      const bounded = (reader.byte() & 1) !== 0;
      return {
        kind: "table",
        ...names,
        type,
        minimum: reader.u32(),
        maximum: bounded ? reader.u32() : undefined,
      };
    }
    case ExternKind.global:
      return { kind: "global", ...names, type: reader.byte(), mutable: reader.byte() === 1 };
    default:
      reader.byte();
      return { kind: "tag", ...names, params: types[reader.u32()]?.params ?? [] };
  }
}

/** Parameters of each exported function, by its name. */
export function parametersOf(wasm: Uint8Array): Map<string, readonly number[]> {
  const { exports, functions, types } = decodeModule(wasm);
  const own = exports.filter(({ kind }) => kind === ExternKind.function);
  return new Map(own.map(({ name, index }) => [name, types[functions[index] as number]?.params ?? []]));
}
