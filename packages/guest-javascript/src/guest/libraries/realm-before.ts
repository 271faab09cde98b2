/**
 * Around the loading of Node's `inspect`: it copies every built-in at load, expects `Atomics`, which the engine lacks,
 * and stumbles over symbols that a program may have put on built-in prototypes. `realm-after.ts` undoes this.
 */
const native = Reflect.ownKeys;
const realm = globalThis as { Atomics?: unknown };

export const loading = { now: true, lacksAtomics: realm.Atomics === undefined, native };

const isBuiltin = (key: PropertyKey): boolean =>
  typeof key === "symbol" ? key.description?.startsWith("Symbol.") === true : key !== "";

Reflect.ownKeys = (of) => {
  const keys = native(of);
  return loading.now ? keys.filter(isBuiltin) : keys;
};
if (loading.lacksAtomics) realm.Atomics = {};
