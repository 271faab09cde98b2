import { SLOP } from "../host/marks.ts";
import { PAGE } from "../host/pages.ts";

/** How finely memory is marked. */
export interface Grain {
  /** log2 of the bytes of a page. */
  readonly shift: number;
  /** How far from the place that is marked bytes may be written, in both directions; at least 16. */
  readonly slop: number;
}

/** The grain that hosts know: see host/marks.ts. */
export const HOST_GRAIN: Grain = { shift: Math.log2(PAGE), slop: SLOP };

/** How far from the place that is marked a store may begin: none is larger than 16 bytes. */
export const reachOf = ({ slop }: Grain): number => slop - 16;

/** The memory that holds the marks. */
export interface MarkMemory {
  readonly memory: number;
  readonly grain: Grain;
}

/** Its size in pages of WebAssembly: a byte for each page of 4 GiB. */
export const mapPages = ({ grain }: MarkMemory): number => 2 ** (32 - grain.shift) / 65_536;
