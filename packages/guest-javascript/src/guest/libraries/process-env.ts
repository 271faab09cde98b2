/** `process.env`, with Node's rules: an ordinary-looking object whose values are strings. */
import type { Kit } from "../library.ts";

/** Every look into it, and every change, first says so to the host: see `Kit.environment`. */
export function environmentProxy(kit: Pick<Kit, "environment">): Record<string, string> {
  let text: string | null = null;
  let variables: Record<string, string> = {};
  const current = (): Record<string, string> => {
    const now = kit.environment();
    if (now !== text) {
      text = now;
      variables = JSON.parse(now) as Record<string, string>;
    }
    return variables;
  };
  const assign = (key: string | symbol, value: unknown): true => {
    // A symbol is refused as a name and as a value, by a TypeError.
    const name = `${key as string}`;
    Object.defineProperty(current(), name, { ...PLAIN, value: `${value}` });
    return true;
  };
  return new Proxy<Record<string, string>>(
    {},
    {
      get: (_target, key) => (typeof key === "symbol" ? undefined : current()[key]),
      has: (_target, key) => typeof key !== "symbol" && key in current(),
      set: (_target, key, value) => assign(key, value),
      deleteProperty: (_target, key) => Reflect.deleteProperty(current(), key),
      ownKeys: () => Reflect.ownKeys(current()),
      getOwnPropertyDescriptor: (_target, key) => Reflect.getOwnPropertyDescriptor(current(), key),
      defineProperty(_target, key, { value, get, set, writable, enumerable, configurable }) {
        if (get || set) throw argument("'process.env' does not accept an accessor(getter/setter) descriptor");
        if (!(writable && enumerable && configurable))
          throw argument(
            "'process.env' only accepts a configurable, writable, and enumerable data descriptor",
          );
        return assign(key, value);
      },
      preventExtensions: () => false,
    },
  );
}

const PLAIN = { writable: true, enumerable: true, configurable: true } as const;

const argument = (message: string): TypeError =>
  Object.assign(new TypeError(message), { code: "ERR_INVALID_OBJECT_DEFINE_PROPERTY" });
