/** `FormData`: https://xhr.spec.whatwg.org/#interface-formdata, and how it is sent: see `multipart.ts`. */
import type { Kit } from "../library.ts";
import type { BlobPart, File } from "./blob.ts";
import { decodeForm, encodeForm, type FormEntry } from "./multipart.ts";
import { printAs, standardise } from "./show.ts";
import { isObject, isTagged, required, scalarString } from "./webidl.ts";

let blobs: () => BlobPart;
let entriesOf: (form: unknown) => FormEntry[];

/** https://xhr.spec.whatwg.org/#create-an-entry */
function entry(given: readonly unknown[], where: string): FormEntry {
  required(given, 2, where);
  const [name, value, filename] = given;
  if (!isTagged(value, "Blob") && !isTagged(value, "File")) {
    if (given.length > 2) throw new TypeError(`${where}: parameter 2 is not of type 'Blob'.`);
    return [scalarString(name), scalarString(value)];
  }
  const { File, bytesOf } = blobs();
  const bytes = bytesOf(value);
  if (!bytes) throw new TypeError(`${where}: parameter 2 is a Blob of another library.`);
  const file = value as unknown as File;
  if (value instanceof File && filename === undefined) return [scalarString(name), file];
  const { lastModified } = file;
  const called = filename === undefined ? "blob" : scalarString(filename);
  return [
    scalarString(name),
    new File([bytes], called, { type: file.type, ...(lastModified === undefined ? {} : { lastModified }) }),
  ];
}

/** Entries are looked up at each step: a program may change the form while it goes through it. */
function* each<T>(form: FormData, take: (entry: FormEntry) => T): Generator<T, undefined> {
  for (let i = 0; i < entriesOf(form).length; i++) yield take(entriesOf(form)[i] as FormEntry);
  return undefined;
}

export class FormData {
  declare readonly [Symbol.iterator]: () => IterableIterator<FormEntry>;

  #entries: FormEntry[] = [];

  static {
    entriesOf = (form) => {
      if (!isObject(form) || !(#entries in form)) throw new TypeError("Illegal invocation");
      return (form as FormData).#entries;
    };
  }

  constructor(form: unknown = undefined) {
    if (form !== undefined)
      throw new TypeError("FormData constructor: Argument 1 could not be converted to: undefined.");
  }

  append(...given: unknown[]): void {
    entriesOf(this).push(entry(given, "FormData.append"));
  }
  delete(...given: unknown[]): void {
    required(given, 1, "FormData.delete");
    const name = scalarString(given[0]);
    this.#entries = entriesOf(this).filter(([each]) => each !== name);
  }
  get(...given: unknown[]): FormEntry[1] | null {
    required(given, 1, "FormData.get");
    const name = scalarString(given[0]);
    return entriesOf(this).find(([each]) => each === name)?.[1] ?? null;
  }
  getAll(...given: unknown[]): FormEntry[1][] {
    required(given, 1, "FormData.getAll");
    const name = scalarString(given[0]);
    return entriesOf(this).flatMap(([each, value]) => (each === name ? [value] : []));
  }
  has(...given: unknown[]): boolean {
    required(given, 1, "FormData.has");
    const name = scalarString(given[0]);
    return entriesOf(this).some(([each]) => each === name);
  }
  set(...given: unknown[]): void {
    const made = entry(given, "FormData.set");
    const entries = entriesOf(this);
    const first = entries.findIndex(([name]) => name === made[0]);
    if (first < 0) entries.push(made);
    else
      this.#entries = entries.flatMap((each, i) =>
        i === first ? [made] : each[0] === made[0] ? [] : [each],
      );
  }
  forEach(callback: (value: FormEntry[1], name: string, form: FormData) => unknown, self?: unknown): void {
    if (typeof callback !== "function")
      throw new TypeError(
        "Failed to execute 'forEach' on 'FormData': parameter 1 is not of type 'Function'.",
      );
    for (const [name, value] of each(this, (pair) => pair)) callback.call(self, value, name, this);
  }
  keys(): IterableIterator<string> {
    return each(this, ([name]) => name);
  }
  values(): IterableIterator<FormEntry[1]> {
    return each(this, ([, value]) => value);
  }
  entries(): IterableIterator<FormEntry> {
    return each(this, ([name, value]): FormEntry => [name, value]);
  }
}

standardise(FormData, "FormData");
Object.defineProperty(FormData.prototype, Symbol.iterator, {
  value: FormData.prototype.entries,
  writable: true,
  enumerable: false,
  configurable: true,
});
printAs(FormData, "FormData", (form) => {
  const shown: Record<string, unknown> = {};
  for (const [name, value] of entriesOf(form)) {
    const there = shown[name];
    shown[name] = there === undefined ? value : [there, value].flat();
  }
  return shown;
});

/** A form as a body: its bytes, and the boundary that its type names. */
function encode(form: unknown): { readonly bytes: Uint8Array; readonly boundary: string } {
  const entries: readonly FormEntry[] = isOurs(form)
    ? entriesOf(form)
    : Array.from(form as Iterable<FormEntry>);
  // As random as a boundary has to be: the program's own randomness, and nothing that is secret.
  const digits = () => `${Math.floor(Math.random() * 1e11)}`.padStart(11, "0");
  const boundary = `----formdata-capsule-0${digits()}`;
  return {
    boundary,
    bytes: encodeForm(entries, boundary, (file) => blobs().bytesOf(file) ?? new Uint8Array(0)),
  };
}

function isOurs(form: unknown): boolean {
  try {
    entriesOf(form);
    return true;
  } catch {
    return false;
  }
}

/** A form out of a body. @throws TypeError if the body is none */
function decode(bytes: Uint8Array, type: string): FormData {
  const form = new FormData();
  if (/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(type)) {
    const text = new TextDecoder().decode(bytes);
    for (const [name, value] of new URLSearchParams(text.replace(/^\?/, "%3F"))) form.append(name, value);
    return form;
  }
  const boundary = /^multipart\/form-data\s*;(?:.*;)?\s*boundary=(?:"([^"]+)"|([^\s;"]+))/i.exec(type);
  if (!boundary)
    throw new TypeError(
      'Content-Type was not one of "multipart/form-data" or "application/x-www-form-urlencoded".',
    );
  for (const { name, filename, type: kind, body } of decodeForm(
    bytes,
    (boundary[1] ?? boundary[2]) as string,
  )) {
    if (filename === null) form.append(name, new TextDecoder("utf-8", { ignoreBOM: true }).decode(body));
    else form.append(name, new (blobs().File)([body], filename, { type: kind }));
  }
  return form;
}

/** What the part gives: the class, and what bodies need of it. */
export interface FormDataPart {
  readonly FormData: typeof FormData;
  readonly encode: typeof encode;
  readonly decode: typeof decode;
}

export function make({ loadPart }: Kit): FormDataPart {
  blobs = () => loadPart("blob") as BlobPart;
  return { FormData, encode, decode };
}
