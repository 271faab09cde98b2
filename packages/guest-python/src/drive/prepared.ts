import type { ArtifactParts, SnapshotPoint } from "@capsule-run/protocol";
import { PAGE, readDifference } from "@capsule-run/wasm/host";
import { type ProgramFiles, readFiles } from "../files.ts";
import type { PageSource } from "./restore.ts";

/** A program as a cell keeps it: what differs from the engine's image, and the files it may read. */
export interface PreparedProgram extends PageSource {
  readonly globals: readonly number[];
  readonly snapshot: SnapshotPoint;
  readonly files: ProgramFiles;
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
