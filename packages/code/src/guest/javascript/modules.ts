/** What code can import: Node's modules that a sandbox has, and the SDK. There is nobody to fetch others. */

import assert from "node:assert";
import buffer from "node:buffer";
import events from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import querystring from "node:querystring";
import stream from "node:stream";
import decoder from "node:string_decoder";
import timers from "node:timers";
import url from "node:url";
import util from "node:util";
import * as sdk from "@capsule-run/sdk";
import { IMPORT } from "./names.ts";

const MODULES: Readonly<Record<string, object>> = {
  ...{ assert, buffer, events, fs, os, path, process, querystring, stream, timers, url, util },
  "assert/strict": assert.strict,
  "fs/promises": fs.promises,
  "path/posix": path,
  "stream/promises": stream.promises,
  string_decoder: decoder,
  "timers/promises": timers.promises,
  "util/types": util.types,
  crypto: { webcrypto: globalThis.crypto, ...cryptoFunctions() },
  perf_hooks: { performance: globalThis.performance },
};

function cryptoFunctions(): object {
  return {
    randomUUID: (): string => globalThis.crypto.randomUUID(),
    getRandomValues: (array: Uint8Array<ArrayBuffer>): object => globalThis.crypto.getRandomValues(array),
  };
}

const { hasOwn, keys, defineProperty } = Object;

/** @throws Error `MODULE_NOT_FOUND`, as Node does */
function requireModule(name: string): object {
  if (name === "@capsule-run/sdk") return sdk;
  const bare = String(name).replace(/^node:/, "");
  if (hasOwn(MODULES, bare)) return MODULES[bare] as object;
  const message = `Cannot find module '${name}': a sandbox has no packages, and of Node's modules ${keys(MODULES).join(", ")}`;
  throw Object.assign(new Error(message), { code: "MODULE_NOT_FOUND" });
}

/** As a module namespace has it: the exports by name, and all of it as `default`. */
function namespaceOf(name: string): object {
  const module = requireModule(name);
  return module === sdk ? sdk : { ...module, default: module };
}

/** One export, or the namespace. */
function importNow(name: string, member?: string): unknown {
  const namespace = namespaceOf(name) as Record<string, unknown>;
  if (member === undefined) return namespace;
  if (!(member in namespace))
    throw new SyntaxError(`The requested module '${name}' does not provide an export named '${member}'`);
  return namespace[member];
}

/** Makes `require`, and what `translate` makes of `import`, globals. */
export function installImport(): void {
  const load = async (name: string): Promise<object> => namespaceOf(name);
  defineProperty(load, "now", { value: importNow });
  for (const [name, value] of [
    [IMPORT, load],
    ["require", requireModule],
  ] as const)
    defineProperty(globalThis, name, { value, writable: true, enumerable: false, configurable: true });
}
