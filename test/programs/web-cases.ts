// The standard library that programs expect, for plain Node and the sandbox alike.

const message = (code: () => unknown): unknown => {
  try {
    return code();
  } catch (error) {
    return (error as Error).name;
  }
};
const bytes = (data: Uint8Array): string =>
  [...data].map((byte) => byte.toString(16).padStart(2, "0")).join("");

export const cases: Record<string, () => unknown> = {
  url() {
    const all = [
      "https://user:pä55@EXAMPLE.com:443/a/../b/./c%20d?q=1&q=2#frag",
      "http://example.com:80/",
      "http://xn--fsq.com/",
      "http://münchen.example/ä?ö#ü",
      "file:///C:/x/../y",
      "http://[::1]:8080/",
      "http://127.1/",
      "data:text/plain,hello world",
      "javascript:alert(1)",
      "mailto:a@b.c",
    ];
    return all.map((text) => {
      const { href, origin, protocol, username, password, host, hostname, port, pathname, search, hash } =
        new URL(text);
      return [href, origin, protocol, username, password, host, hostname, port, pathname, search, hash];
    });
  },
  relative: () =>
    ["../x", "//other/y", "?q", "#f", "", "a b", "\\back\\slash", "/a/./../b//c"].map((text) =>
      new URL(text, "https://example.com/dir/file?old#old").toString(),
    ),
  invalidUrls: () =>
    ["", "no scheme", "http://", "http://a b/", "http://[::1", "http://1.2.3.4.5.6/", "//x", "http://%"].map(
      (text) => message(() => new URL(text).href),
    ),
  canParse: () => [URL.canParse("https://x"), URL.canParse("x"), URL.canParse("x", "https://y")],
  urlSetters() {
    const url = new URL("http://example.com/");
    url.pathname = "/a b/ü";
    url.search = "x=1&y=2";
    url.hash = "h";
    url.port = "8080";
    url.hostname = "other.example";
    url.protocol = "https";
    url.username = "me@";
    url.searchParams.append("z", "a&b=c +");
    url.searchParams.delete("x");
    return JSON.stringify(url);
  },
  searchParams() {
    const params = new URLSearchParams("a=1&b=2&a=3&c=%20+d&e");
    params.append("ü", "ö €");
    params.set("b", "changed");
    params.sort();
    return [
      params.toString(),
      params.getAll("a"),
      params.get("c"),
      params.has("e"),
      params.has("zz"),
      [...params],
      params.size,
    ];
  },
  searchParamsFrom: () => [
    new URLSearchParams({ x: "1", y: "a b" }).toString(),
    new URLSearchParams([
      ["p", "q"],
      ["p", "r"],
    ]).toString(),
    new URLSearchParams(new Map([["m", "1"]]) as never).toString(),
  ],
  encode: () =>
    ["", "abc", "äöü€𝄞", "\ud800x\udc00", "\u0000"].map((text) => bytes(new TextEncoder().encode(text))),
  encodeInto() {
    const into = new Uint8Array(5);
    return [new TextEncoder().encodeInto("aä€𝄞", into), bytes(into)];
  },
  decode() {
    const decoder = new TextDecoder();
    return [
      decoder.decode(new Uint8Array([0x61, 0xc3, 0xa4, 0xe2, 0x82, 0xac])),
      decoder.decode(new Uint8Array([0xff, 0x61, 0xc3])),
      decoder.decode(new Uint8Array([0xef, 0xbb, 0xbf, 0x61])),
      new TextDecoder("utf-8", { ignoreBOM: true }).decode(new Uint8Array([0xef, 0xbb, 0xbf, 0x61])).length,
      decoder.encoding,
    ];
  },
  decodeFatal: () => message(() => new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array([0xff]))),
  decodeStream() {
    const decoder = new TextDecoder();
    const whole = new TextEncoder().encode("a€𝄞b");
    let text = "";
    for (const byte of whole) text += decoder.decode(new Uint8Array([byte]), { stream: true });
    return text + decoder.decode();
  },
  base64: () => [
    btoa(""),
    btoa("hello"),
    btoa("\u00ff\u0000"),
    atob("aGVsbG8="),
    atob(" aGVs bG8 "),
    message(() => atob("a")),
    message(() => btoa("€")),
    message(() => atob("!!!!")),
  ],
  clone() {
    const source = {
      date: new Date(5),
      map: new Map<unknown, unknown>([["a", { b: 1 }]]),
      set: new Set([1, "x"]),
      bytes: new Uint8Array([1, 2, 3]),
      regex: /a+/gi,
      nested: [[1], { deep: undefined }],
      error: new RangeError("cloned"),
      big: 10n,
      boxed: new Number(3),
    };
    const copy = structuredClone(source);
    return [
      copy !== source,
      copy.date.getTime(),
      [...copy.map],
      [...copy.set],
      bytes(copy.bytes),
      String(copy.regex),
      copy.nested,
      "deep" in (copy.nested[1] as object),
      [copy.error instanceof RangeError, copy.error.name, copy.error.message],
      String(copy.big),
      typeof copy.boxed,
    ];
  },
  cloneCycle() {
    const a: Record<string, unknown> = { list: [] };
    (a.list as unknown[]).push(a, a);
    const b = structuredClone(a) as typeof a;
    return [(b.list as unknown[])[0] === b, (b.list as unknown[])[1] === b, b !== a];
  },
  cloneRefused: () => [
    message(() => structuredClone(() => 1)),
    message(() => structuredClone({ s: Symbol("x") })),
    message(() => structuredClone(new WeakMap())),
    Object.keys(
      structuredClone(
        new (class {
          x = 1;
          #y = 2;
          get z() {
            return this.#y;
          }
        })(),
      ),
    ),
  ],
  abort() {
    const controller = new AbortController();
    const seen: unknown[] = [];
    controller.signal.addEventListener("abort", (event) =>
      seen.push(event.type, event.target === controller.signal),
    );
    controller.signal.onabort = () => seen.push("onabort");
    const before = controller.signal.aborted;
    controller.abort(new Error("reason"));
    controller.abort("again");
    return [
      before,
      controller.signal.aborted,
      (controller.signal.reason as Error).message,
      seen,
      message(() => controller.signal.throwIfAborted()),
    ];
  },
  abortDefaults() {
    const controller = new AbortController();
    controller.abort();
    const any = AbortSignal.any([new AbortController().signal, controller.signal]);
    return [(controller.signal.reason as Error).name, any.aborted, AbortSignal.abort("x").reason];
  },
  events() {
    const target = new EventTarget();
    const seen: unknown[] = [];
    const listener = (event: Event) => seen.push(event.type, (event as CustomEvent).detail ?? null);
    target.addEventListener("x", listener);
    target.addEventListener("x", listener);
    target.addEventListener("x", () => seen.push("once"), { once: true });
    target.addEventListener("x", {
      handleEvent: (event: Event) => seen.push("object", event.defaultPrevented),
    });
    target.addEventListener("x", (event) => event.preventDefault());
    const results = [
      target.dispatchEvent(new CustomEvent("x", { detail: { a: 1 }, cancelable: true })),
      target.dispatchEvent(new Event("x")),
      target.dispatchEvent(new Event("y")),
    ];
    target.removeEventListener("x", listener);
    target.dispatchEvent(new Event("x", { cancelable: true }));
    return [results, seen];
  },
  domException() {
    const error = new DOMException("text", "AbortError");
    return [
      error.name,
      error.message,
      error.code,
      error instanceof Error,
      String(error),
      DOMException.NOT_FOUND_ERR,
    ];
  },
  crypto: () => [
    /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID()),
    crypto.getRandomValues(new Uint8Array(8)).length,
    message(() => crypto.getRandomValues(new Float32Array(1) as never)),
    message(() => crypto.getRandomValues(new Uint8Array(65_537))),
  ],
  uri: () => [
    encodeURIComponent("a b&ü€"),
    encodeURI("http://x/a b?q=ü#f"),
    decodeURIComponent("%E2%82%AC"),
    message(() => decodeURIComponent("%")),
    message(() => encodeURIComponent("\ud800")),
  ],
  language: () => [
    Object.groupBy([1, 2, 3], (n) => (n % 2 ? "odd" : "even")),
    [3, 1, 2].toSorted(),
    [1, 2, 3].with(1, 9),
    [1, 2, 3].at(-1),
    "abc".replaceAll("b", "x"),
    new Set([1, 2]).union(new Set([3])).size,
    [...Iterator.from([1, 2, 3]).map((n) => n * 2)],
    structuredClone(new Map([[1, 2]])).get(1) ?? null,
    "x".isWellFormed(),
    Array.from({ length: 3 }, (_, i) => i).findLast((n) => n < 2),
    Object.fromEntries(new Map([["a", 1]])),
    /(?<y>\d{4})/.exec("in 2024")?.groups?.y,
    "𝄞".codePointAt(0),
    (1234.5678).toFixed(2),
    (255).toString(16),
    Number.parseFloat("1e3x"),
    [..."añ".normalize("NFD")].length,
    "ß".toUpperCase(),
    "İ".toLowerCase().length,
  ],
  dates: () => [
    new Date(Date.UTC(2024, 1, 29, 12)).toISOString(),
    new Date("2024-02-30T00:00:00Z").getTime() || "invalid",
    new Date("2024-06-01T10:00:00+02:00").toJSON(),
    Date.parse("2024-01-01"),
  ],
};

export const asyncCases: Record<string, () => Promise<unknown>> = {
  async abortTimeout() {
    const signal = AbortSignal.timeout(10);
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    return (signal.reason as Error).name;
  },
  async promises() {
    return [
      await Promise.allSettled([1, Promise.reject("no")]),
      await Promise.any([Promise.reject(1), Promise.resolve(2)]),
      await Promise.try(() => 5),
      Object.keys(Promise.withResolvers()).toSorted(),
    ];
  },
  async microtaskOrder() {
    const seen: string[] = [];
    queueMicrotask(() => seen.push("micro 1"));
    Promise.resolve()
      .then(() => seen.push("then 1"))
      .then(() => seen.push("then 2"));
    queueMicrotask(() => seen.push("micro 2"));
    (async () => {
      seen.push("async");
      await null;
      seen.push("after await");
    })();
    seen.push("sync");
    await new Promise((resolve) => setTimeout(resolve, 5));
    return seen;
  },
  async timerOrder() {
    const seen: string[] = [];
    setTimeout((a: string, b: string) => seen.push(`20 ${a}${b}`), 20, "a", "b");
    setTimeout(() => seen.push("1"), 1);
    setTimeout(() => seen.push("10"), 10);
    const cleared = setTimeout(() => seen.push("cleared"), 5);
    clearTimeout(cleared);
    clearTimeout(undefined);
    const every = setInterval(() => {
      seen.push("every");
      clearInterval(every);
    }, 30);
    await new Promise((resolve) => setTimeout(resolve, 60));
    return seen;
  },
  async asyncGenerators() {
    const numbers = async function* () {
      for (let i = 0; i < 3; i++) {
        await null;
        yield i;
      }
    };
    const all = [];
    for await (const n of numbers()) all.push(n);
    return all;
  },
};
