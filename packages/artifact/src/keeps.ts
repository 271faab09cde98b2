import type { ProgramManifest } from "@capsule-run/protocol";

/**
 * Whether an artifact holds the program's bundle. A snapshot holds a JavaScript program whole; one in Python still reads
 * its files when it runs.
 */
export const keepsBundle = ({
  language,
  snapshot,
}: Pick<ProgramManifest, "language" | "snapshot">): boolean => language === "python" || snapshot === "before";
