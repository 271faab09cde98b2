import type { ArtifactParts, SnapshotPoint } from "@capsule-run/protocol";
import { PAGE, readDifference } from "@capsule-run/wasm/host";
import { type ProgramFiles, readFiles } from "../files.ts";

/** A program as a cell keeps it: what differs from the engine's image, and the files it may read. */
export interface PreparedProgram {
  /** Bytes of memory it starts with. */
  readonly length: number;
  readonly globals: readonly number[];
  readonly snapshot: SnapshotPoint;
  readonly files: ProgramFiles;
  /** The contents of a page where it differs from the engine's image. */
  page(number: number): Uint8Array | undefined;
  /** Numbers of the pages that differ, ascending. */
  readonly pages: readonly number[];
}

/** @throws RangeError or TypeError if the artifact is not one of this engine's */
export function prepareProgram(artifact: ArtifactParts, base: number): PreparedProgram {
  const { length, pages, contents } = readDifference(artifact.pages, base);
  const at = new Map(pages.map((page, i) => [page, i * PAGE]));
  return {
    length,
    pages,
    globals: artifact.globals,
    snapshot: artifact.snapshot,
    files: readFiles(artifact.bundle),
    page: (number) => {
      const start = at.get(number);
      return start === undefined ? undefined : contents.subarray(start, start + PAGE);
    },
  };
}
