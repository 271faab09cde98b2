/** `node:util/types`, as far as the engine tells. */
type Test = (value: unknown) => boolean;

/** Whether a built-in method, which needs its object to be of its kind, takes the value. */
const takes =
  (method: (this: never) => unknown): Test =>
  (value) => {
    try {
      Reflect.apply(method, value, []);
      return true;
    } catch {
      return false;
    }
  };

const getter = (prototype: object, key: PropertyKey): ((this: never) => unknown) =>
  Object.getOwnPropertyDescriptor(prototype, key)?.get as (this: never) => unknown;

const object =
  (test: Test): Test =>
  (value) =>
    typeof value === "object" && value !== null && test(value);

const tagged = (tag: string): Test =>
  object((value) => Object.prototype.toString.call(value) === `[object ${tag}]`);

const TypedArrayPrototype = Object.getPrototypeOf(Uint8Array.prototype) as object;
const kind = getter(TypedArrayPrototype, Symbol.toStringTag);
const kindOf = (value: unknown): unknown =>
  ArrayBuffer.isView(value) ? Reflect.apply(kind, value, []) : undefined;
const arrayOf =
  (name: string): Test =>
  (value) =>
    kindOf(value) === name;

const prototypeOf = (sample: object): object => Object.getPrototypeOf(sample) as object;
const function_ = (sample: object): Test => {
  const Kind = (prototypeOf(sample) as { constructor: new () => unknown }).constructor;
  return (value) => typeof value === "function" && value instanceof Kind;
};

const boxed = {
  isNumberObject: object(takes(Number.prototype.valueOf)),
  isStringObject: object(takes(String.prototype.valueOf)),
  isBooleanObject: object(takes(Boolean.prototype.valueOf)),
  isBigIntObject: object(takes(BigInt.prototype.valueOf)),
  isSymbolObject: object(takes(Symbol.prototype.valueOf)),
};

const ARRAYS = [
  ...["Uint8Array", "Uint8ClampedArray", "Uint16Array", "Uint32Array", "Int8Array", "Int16Array"],
  ...["Int32Array", "Float16Array", "Float32Array", "Float64Array", "BigInt64Array", "BigUint64Array"],
];

const isArrayBuffer = object(takes(getter(ArrayBuffer.prototype, "byteLength")));
const isSharedArrayBuffer = object(takes(getter(SharedArrayBuffer.prototype, "byteLength")));
const never: Test = () => false;

export const types = {
  ...boxed,
  ...Object.fromEntries(ARRAYS.map((name) => [`is${name}`, arrayOf(name)])),
  isBoxedPrimitive: (value: unknown): boolean => Object.values(boxed).some((test) => test(value)),
  isTypedArray: (value: unknown): boolean => kindOf(value) !== undefined,
  isArrayBufferView: (value: unknown): boolean => ArrayBuffer.isView(value),
  isDataView: (value: unknown): boolean => ArrayBuffer.isView(value) && kindOf(value) === undefined,
  isArrayBuffer,
  isSharedArrayBuffer,
  isAnyArrayBuffer: (value: unknown): boolean => isArrayBuffer(value) || isSharedArrayBuffer(value),
  isDate: object(takes(Date.prototype.getTime)),
  isRegExp: object(takes(getter(RegExp.prototype, "lastIndex") ?? RegExp.prototype.toString)),
  isMap: object(takes(getter(Map.prototype, "size"))),
  isSet: object(takes(getter(Set.prototype, "size"))),
  isWeakMap: object((value) => takes(() => WeakMap.prototype.has.call(value as never, {}))(value)),
  isWeakSet: object((value) => takes(() => WeakSet.prototype.has.call(value as never, {}))(value)),
  isPromise: object((value) => value instanceof Promise),
  isNativeError: object((value) => (Error as unknown as { isError: Test }).isError(value)),
  isAsyncFunction: (value: unknown): boolean =>
    function_(async () => {})(value) || function_(async function* () {})(value),
  isGeneratorFunction: (value: unknown): boolean =>
    function_(function* () {})(value) || function_(async function* () {})(value),
  isGeneratorObject: tagged("Generator"),
  isArgumentsObject: tagged("Arguments"),
  isMapIterator: tagged("Map Iterator"),
  isSetIterator: tagged("Set Iterator"),
  isModuleNamespaceObject: tagged("Module"),
  isProxy: never,
  isExternal: never,
  isKeyObject: never,
  isCryptoKey: never,
};
