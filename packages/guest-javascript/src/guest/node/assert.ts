/** `node:assert`, and how it compares. */
import assert from "assert/build/assert.js";
import { isDeepStrictEqual } from "assert/build/internal/util/comparisons.js";

// The bundler renames the class.
Object.defineProperty(assert.AssertionError, "name", { value: "AssertionError", configurable: true });

export default Object.assign(assert, { isDeepStrictEqual });
