import { sized } from "../assemble.ts";
import { u32 } from "../binary.ts";

const section = (id: number, content: readonly number[]): number[] =>
  [id, ...u32(content.length)].concat(content);

/** A module with a memory and one function of an i32, exported as `f`. */
export function oneFunction(body: readonly number[]): Uint8Array {
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 1, 0x7f, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, 1]),
    ...section(7, [1, 1, 0x66, 0, 0]),
    ...section(10, [1, ...sized(body)]),
  ]);
}
