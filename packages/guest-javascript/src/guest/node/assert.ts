/** `node:assert`, and how it compares. */
import assert from "assert/build/assert.js";
import { isDeepStrictEqual } from "assert/build/internal/util/comparisons.js";

export default Object.assign(assert, { isDeepStrictEqual });
