/**
 * The built-ins the prelude uses, captured before any program runs: a program that patches or pollutes prototypes
 * changes what it sees itself, never what the prelude does. Nothing here needs the engine: the SDK shares it.
 */
type Method = (...args: never[]) => unknown;

const { bind, call } = Function.prototype;
const uncurry = bind.bind(call) as unknown as <F extends Method>(method: F) => (...args: unknown[]) => never;

/** A captured method of the given type: the first argument is its `this`. */
const method = <T>(fn: unknown): T => uncurry(fn as Method) as unknown as T;

export const apply = Reflect.apply;
export const stringify: (value: unknown) => string | undefined = JSON.stringify;
/** A string, number, boolean or null as JSON. No `toJSON` is looked up for these. */
export const quote: (value: string | number | boolean | null) => string = JSON.stringify;
export const parse: (text: string) => unknown = JSON.parse;
export const toText = String;
export const { isArray } = Array;
export const { isFinite: isFiniteNumber, isInteger } = Number;
export const { create, defineProperty, getOwnPropertyDescriptor, getPrototypeOf, keys, hasOwn, freeze } =
  Object;
export const { min, max, floor } = Math;
export const now = Date.now;
export const SafePromise = Promise;
export const SafeError = Error;
export const SafeTypeError = TypeError;
export const SafeNumber = Number;
export const SafeBigInt = BigInt;

export const slice = method<(text: string, start: number, end?: number) => string>(String.prototype.slice);
export const indexOf = method<(text: string, part: string, from?: number) => number>(
  String.prototype.indexOf,
);
export const charCodeAt = method<(text: string, index: number) => number>(String.prototype.charCodeAt);
export const toWellFormed = method<(text: string) => string>(String.prototype.toWellFormed);
export const isWellFormed = method<(text: string) => boolean>(String.prototype.isWellFormed);
export const replaceAll = method<(text: string, part: string, by: string) => string>(
  String.prototype.replaceAll,
);
export const repeat = method<(text: string, count: number) => string>(String.prototype.repeat);
export const toFixed = method<(value: number, digits: number) => string>(Number.prototype.toFixed);
export const bigIntOf = method<(value: unknown) => bigint>(BigInt.prototype.valueOf);
export const sourceOf = method<(fn: unknown) => string>(Function.prototype.toString);
export const chain = method<
  (promise: Promise<unknown>, ok: (value: unknown) => unknown, no: (reason: unknown) => unknown) => unknown
>(Promise.prototype.then);

/** The prototypes that tell kinds of functions apart: the bundler keeps `async` as written. */
export const AsyncPrototype: unknown = getPrototypeOf(async () => {});
export const GeneratorPrototype: unknown = getPrototypeOf(function* () {});
export const AsyncGeneratorPrototype: unknown = getPrototypeOf(async function* () {});

/** Adds to the end of an array without `push`, which a program may have replaced. */
export function append<T>(list: T[], item: T): void {
  list[list.length] = item;
}

/** A property that behaves as the built-in globals do: there, but not listed. */
export function defineHidden(on: object, name: PropertyKey, value: unknown): void {
  defineProperty(on, name, { value, writable: true, enumerable: false, configurable: true });
}
