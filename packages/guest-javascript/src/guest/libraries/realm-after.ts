/** See `realm-before.ts`. */
import { loading } from "./realm-before.ts";

loading.now = false;
Reflect.ownKeys = loading.native;
if (loading.lacksAtomics) delete (globalThis as { Atomics?: unknown }).Atomics;
