/** `node:util`. `inspect` is Node's own, the part that `console` prints objects with. */
import { kit } from "capsule:kit";
import { types } from "./util-types.ts";

type Callback = (error: unknown, value?: unknown) => void;
type AnyFunction = (...args: unknown[]) => unknown;

interface InspectPart {
  readonly inspect: (value: unknown, options?: unknown) => string;
  readonly format: (...args: unknown[]) => string;
  readonly formatWithOptions: (options: object, ...args: unknown[]) => string;
  readonly stripVTControlCharacters: (text: string) => string;
}

const { inspect, format, formatWithOptions, stripVTControlCharacters } = kit.loadPart(
  "inspect",
) as InspectPart;

const CUSTOM = Symbol.for("nodejs.util.promisify.custom");

/** An asynchronous function with a promise out of one with a callback. */
function promisify(fn: unknown): AnyFunction {
  if (typeof fn !== "function") throw invalid("original", "function", fn);
  const custom = (fn as { [CUSTOM]?: AnyFunction })[CUSTOM];
  if (custom) return custom;
  const promised = function (this: unknown, ...args: unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      Reflect.apply(fn, this, [
        ...args,
        (error: unknown, value: unknown) => (error ? reject(error) : resolve(value)),
      ]);
    });
  };
  Object.setPrototypeOf(promised, Object.getPrototypeOf(fn) as object);
  Object.defineProperty(promised, CUSTOM, { value: promised, configurable: true });
  return Object.defineProperties(promised, Object.getOwnPropertyDescriptors(fn)) as AnyFunction;
}
promisify.custom = CUSTOM;

function callbackify(fn: (...args: unknown[]) => Promise<unknown>): AnyFunction {
  if (typeof fn !== "function") throw invalid("original", "function", fn);
  return function (this: unknown, ...args: unknown[]): void {
    const done = args.pop() as Callback;
    if (typeof done !== "function") throw invalid("last argument", "function", done);
    Reflect.apply(fn, this, args).then(
      (value) => process.nextTick(done, null, value),
      (reason: unknown) => process.nextTick(done, reason ?? rejected(reason)),
    );
  };
}

const rejected = (reason: unknown): Error =>
  Object.assign(new Error("Promise was rejected with a falsy value"), {
    code: "ERR_FALSY_VALUE_REJECTION",
    reason,
  });

function inherits(child: AnyFunction, parent: AnyFunction): void {
  Object.defineProperty(child, "super_", { value: parent, writable: true, configurable: true });
  Object.setPrototypeOf(child.prototype as object, parent.prototype as object);
}

/** Says once that `fn` is out of date. */
function deprecate<F extends AnyFunction>(fn: F, message: string, code?: string): F {
  let said = false;
  const wrapped = function (this: unknown, ...args: unknown[]): unknown {
    if (!said) console.warn(`${code ? `[${code}] ` : ""}DeprecationWarning: ${message}`);
    said = true;
    return new.target ? Reflect.construct(fn, args, new.target) : Reflect.apply(fn, this, args);
  };
  Object.setPrototypeOf(wrapped, fn);
  if (fn.prototype) wrapped.prototype = fn.prototype;
  return wrapped as unknown as F;
}

/** Writes to stderr when NODE_DEBUG names the section. Asked when it first has something to say. */
function debuglog(section: string): ((...args: unknown[]) => void) & { readonly enabled: boolean } {
  const wanted = (): boolean => {
    const { env } = process;
    return (env.NODE_DEBUG ?? "").toUpperCase().split(",").includes(section.toUpperCase());
  };
  const write = (...args: unknown[]): void => {
    if (wanted()) console.error(`${section.toUpperCase()} 1: ${format(...args)}`);
  };
  return Object.defineProperty(write, "enabled", { get: wanted }) as never;
}

function invalid(name: string, type: string, given: unknown): TypeError {
  const message = `The "${name}" argument must be of type ${type}. Received ${inspect(given)}`;
  return Object.assign(new TypeError(message), { code: "ERR_INVALID_ARG_TYPE" });
}

const isDeepStrictEqual = (a: unknown, b: unknown): boolean =>
  (kit.loadPart("node-assert") as { isDeepStrictEqual(a: unknown, b: unknown): boolean }).isDeepStrictEqual(
    a,
    b,
  );

/** What is printed without colours, there being no terminal. */
const styleText = (_style: unknown, text: string): string => text;

const isA = (type: string) => (value: unknown) => typeof value === type;

export default {
  ...{
    inspect,
    format,
    formatWithOptions,
    stripVTControlCharacters,
    styleText,
    types,
    TextEncoder,
    TextDecoder,
  },
  ...{ promisify, callbackify, inherits, deprecate, debuglog, debug: debuglog, isDeepStrictEqual },
  toUSVString: (text: unknown): string => `${text}`.toWellFormed(),
  log: (...args: unknown[]): void => console.log(...args),
  _extend: (target: object, source: object): object => Object.assign(target, source),
  isArray: Array.isArray,
  isBoolean: isA("boolean"),
  isDate: types.isDate,
  isError: (value: unknown): boolean => value instanceof Error,
  isFunction: isA("function"),
  isNull: (value: unknown): boolean => value === null,
  isNullOrUndefined: (value: unknown): boolean => value === null || value === undefined,
  isNumber: isA("number"),
  isObject: (value: unknown): boolean => value !== null && typeof value === "object",
  isPrimitive: (value: unknown): boolean => value !== Object(value),
  isRegExp: types.isRegExp,
  isString: isA("string"),
  isSymbol: isA("symbol"),
  isUndefined: isA("undefined"),
};
