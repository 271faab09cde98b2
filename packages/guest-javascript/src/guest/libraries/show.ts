/** What the classes of the web have in common: how they look to `in`, to listings and to `console.log`. */
const CUSTOM = Symbol.for("nodejs.util.inspect.custom");

type Inspect = (value: unknown, options: object) => string;

/** Makes the members of a class enumerable on its prototype and gives it a tag, as the standards' classes have them. */
export function standardise(Class: { readonly prototype: object }, tag: string): void {
  const { prototype } = Class;
  for (const [name, member] of Object.entries(Object.getOwnPropertyDescriptors(prototype)))
    if (name !== "constructor") Object.defineProperty(prototype, name, { ...member, enumerable: true });
  Object.defineProperty(prototype, Symbol.toStringTag, { value: tag, configurable: true });
}

/** Prints instances as their name and what `fields` gives, as Node prints them. */
export function printAs<T extends object>(
  Class: { readonly prototype: T },
  tag: string,
  fields: (self: T) => object,
): void {
  Object.defineProperty(Class.prototype, CUSTOM, {
    value(this: T, depth: number, options: object, inspect: Inspect): unknown {
      if (depth < 0) return `[${tag}]`;
      return `${tag} ${inspect(fields(this), { ...options, depth })}`;
    },
    writable: true,
    enumerable: false,
    configurable: true,
  });
}
