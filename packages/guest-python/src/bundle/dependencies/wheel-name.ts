/** What a wheel's file name says. */
export interface WheelName {
  /** Normalised. */
  readonly name: string;
  readonly version: string;
  /** Whether it is for every platform. */
  readonly pure: boolean;
}

/** `name-version(-build)?-python-abi-platform.whl`; null for what is none. */
export function parseWheelName(file: string): WheelName | null {
  const match = /^([\w.]+(?:[\w.-]*[\w.])?)-(\d[\w.+!]*)(?:-\d\w*)?-([\w.]+)-([\w.]+)-([\w.]+)\.whl$/.exec(
    file,
  );
  if (!match) return null;
  const [, name = "", version = "", python = "", abi = "", platform = ""] = match;
  return {
    name: name.toLowerCase().replace(/[-_.]+/g, "-"),
    version,
    pure:
      abi === "none" &&
      platform.split(".").includes("any") &&
      /(?:^|\.)(?:py3|py2\.py3|py3\d+|cp3\d+)/.test(python),
  };
}
