// What programs do with `fetch`, for plain Node and the sandbox alike.

type Case = (base: string, room: string) => Promise<unknown>;

interface Echo {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

const echo = async (input: string | Request, init: object = {}): Promise<Echo> =>
  (await (await fetch(input, init)).json()) as Echo;

/** The types of the web know it not, Node and the sandbox do. */
const streamOf = (ReadableStream as unknown as { from(source: AsyncIterable<Uint8Array>): ReadableStream })
  .from;

const failure = async (work: Promise<unknown>): Promise<unknown> => {
  try {
    await work;
    return "passed";
  } catch (error) {
    const { name, message } = error as Error;
    return [name, message.split(":")[0]];
  }
};

export const cases: Record<string, Case> = {
  async json(base) {
    const got = await fetch(`${base}/echo?q=1#f`);
    const { method, body, headers } = (await got.json()) as Echo;
    return [
      got.status,
      got.ok,
      got.type,
      got.redirected,
      got.url === `${base}/echo?q=1`,
      method,
      body,
      headers.accept,
    ];
  },
  async postJson(base) {
    const body = JSON.stringify({ text: "é\n😀" });
    const {
      method,
      headers,
      body: seen,
    } = await echo(`${base}/echo`, {
      method: "POST",
      body,
      headers: { "Content-Type": "application/json", "X-Own": "  a  ", authorization: "Bearer x" },
    });
    return [
      method,
      headers["content-type"],
      headers["content-length"],
      headers["x-own"],
      headers.authorization,
      seen,
    ];
  },
  async bodies(base) {
    const all: unknown[] = [];
    for (const body of [
      "text",
      new URLSearchParams({ a: "b c", d: "é" }),
      new Uint8Array([0, 255, 10]),
      new Uint8Array([1, 2, 3]).buffer,
      new Blob(["blob"], { type: "x/y" }),
      new Blob(["no type"]),
      "",
      null,
    ]) {
      const seen = await echo(`${base}/echo`, { method: "POST", body });
      all.push([seen.body, seen.headers["content-type"], seen.headers["content-length"]]);
    }
    return all;
  },
  async methods(base) {
    const all: unknown[] = [];
    for (const method of ["get", "DELETE", "put", "PATCH", "OPTIONS", "REPORT"])
      all.push((await echo(`${base}/echo`, { method })).method);
    const head = await fetch(`${base}/echo`, { method: "HEAD" });
    return [all, head.status, head.body, await head.text()];
  },
  async form(base) {
    const form = new FormData();
    form.append("field", "é\nline");
    form.append("file", new File(['{"a":1}'], "ü.json", { type: "application/json" }));
    form.append("blob", new Blob([new Uint8Array([0, 1, 255])]));
    const { headers, body } = await echo(`${base}/echo`, { method: "POST", body: form });
    const boundary = /boundary=(.*)$/.exec(headers["content-type"] as string)?.[1] as string;
    const again = await new Response(
      Uint8Array.from(body, (c) => c.charCodeAt(0)),
      {
        headers: { "content-type": headers["content-type"] as string },
      },
    ).formData();
    return [
      body.replaceAll(boundary, "#"),
      [...again.keys()],
      again.get("field"),
      (again.get("file") as File).name,
    ];
  },
  async headers(base) {
    const got = await fetch(`${base}/headers`);
    const { headers } = got;
    const some = ["set-cookie", "x-twice", "x-latin", "nope"].map((name) => headers.get(name));
    return [
      got.status,
      got.statusText,
      some,
      headers.getSetCookie(),
      await failure((async () => headers.set("a", "b"))()),
    ];
  },
  async statuses(base) {
    const all: unknown[] = [];
    for (const code of [200, 204, 304, 404, 500]) {
      const got = await fetch(`${base}/status?code=${code}`);
      all.push([got.status, got.ok, got.statusText, got.body === null, await got.text()]);
    }
    return all;
  },
  async redirects(base) {
    const all: unknown[] = [];
    for (const code of [301, 302, 303, 307, 308])
      for (const method of ["POST", "PUT"]) {
        const url = `${base}/redirect?code=${code}&to=/echo`;
        const got = await fetch(url, { method, body: "b", headers: { "content-type": "a/b" } });
        const seen = (await got.json()) as Echo;
        all.push([
          code,
          got.redirected,
          got.url === `${base}/echo`,
          seen.method,
          seen.body,
          seen.headers["content-type"],
        ]);
      }
    return all;
  },
  async redirectModes(base) {
    const url = `${base}/redirect?to=/echo`;
    const manual = await fetch(url, { redirect: "manual" });
    const seen = [manual.status, manual.headers.get("location"), manual.redirected, await manual.text()];
    const loop = `${base}/redirect?to=${encodeURIComponent("/redirect?to=/redirect")}`;
    return [
      seen,
      (await failure(fetch(url, { redirect: "error" }))) as [string],
      await failure(fetch(`${loop}`)),
    ];
  },
  async gzip(base) {
    return (await (await fetch(`${base}/gzip`)).text()).length;
  },
  async streamDown(base) {
    const got = await fetch(`${base}/big?size=3000000`);
    let size = 0;
    let sum = 0;
    for await (const piece of got.body as ReadableStream<Uint8Array>) {
      size += piece.length;
      sum += piece[0] === undefined ? 1 : 0;
    }
    return [size, sum, got.bodyUsed];
  },
  async whole(base) {
    const got = await fetch(`${base}/big?size=2500000`);
    const copy = got.clone();
    const [bytes, blob] = [await got.bytes(), await copy.blob()];
    return [bytes.length, blob.size, String.fromCharCode(...bytes.subarray(0, 9))];
  },
  // Each piece is sent when the server has the one before.
  async streamUp(base, room) {
    async function* pieces() {
      for (let i = 0; i < 3; i++) {
        yield new TextEncoder().encode(`piece ${i}`);
        await fetch(`${base}/wait?${room}${i}`);
      }
    }
    const init = { method: "POST", body: streamOf(pieces()), duplex: "half" };
    return (await fetch(`${base}/upload?room=${room}`, init)).json();
  },
  async large(base) {
    const body = new Uint8Array(33 * 1024 * 1024);
    return (await fetch(`${base}/upload`, { method: "POST", body })).json();
  },
  // Each event is sent when the one before was read.
  async events(base, room) {
    const got = await fetch(`${base}/events?room=${room}`);
    const seen: string[] = [];
    const text = (got.body as ReadableStream).pipeThrough(new TextDecoderStream());
    for await (const piece of text) {
      await fetch(`${base}/tell?${room}${seen.length}`);
      seen.push(piece as string);
    }
    return [got.headers.get("content-type"), seen];
  },
  async abort(base) {
    const seen = async (run: (signal: AbortSignal) => Promise<unknown>, reason?: unknown) => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(reason), 50);
      try {
        return await run(controller.signal);
      } catch (error) {
        return [error === controller.signal.reason, (error as Error).name];
      }
    };
    return [
      await seen((signal) => fetch(`${base}/never`, { signal })),
      await seen((signal) => fetch(`${base}/never`, { signal }), new RangeError("mine")),
      await seen(async (signal) => (await fetch(`${base}/never?head`, { signal })).text()),
      await seen(async (signal) => {
        const reader = (await fetch(`${base}/never?head`, { signal })).body?.getReader();
        await reader?.read();
        return reader?.read();
      }),
      await seen((signal) => fetch(new Request(`${base}/never`, { signal }))),
      await failure(fetch(`${base}/never`, { signal: AbortSignal.timeout(30) })),
      await failure(fetch(`${base}/never`, { signal: AbortSignal.any([AbortSignal.abort()]) })),
    ];
  },
  async cancel(base) {
    const got = await fetch(`${base}/never?head`);
    const reader = (got.body as ReadableStream<Uint8Array>).getReader();
    const first = await reader.read();
    await reader.cancel();
    return [new TextDecoder().decode(first.value), (await reader.read()).done];
  },
  async errors(base) {
    const refused = await fetch("http://127.0.0.1:1/").catch((error: Error) => error);
    const { name, message, cause } = refused as Error & { cause: { code?: string } };
    return [
      ...[name, message, typeof cause],
      await failure((await fetch(`${base}/cut`)).text()),
      await failure(fetch("nothing")),
      await failure(fetch("http://a b/")),
      await failure(fetch("file:///etc/passwd")),
    ];
  },
  async early(base) {
    async function* endless() {
      for (;;) yield new Uint8Array(100_000);
    }
    const init = { method: "POST", body: streamOf(endless()), duplex: "half" };
    const got = await fetch(`${base}/early`, init).catch(() => null);
    return got === null || [got.status, await got.text()].join() === "413,too much";
  },
  async brokenBody(base) {
    async function* broken() {
      yield new Uint8Array(10);
      throw new RangeError("mine");
    }
    const init = { method: "POST", body: streamOf(broken()), duplex: "half" };
    return failure(fetch(`${base}/upload`, init));
  },
  async parallel(base) {
    const all = await Promise.all(Array.from({ length: 50 }, () => fetch(`${base}/slow?ms=100`)));
    return all.every(({ ok }) => ok);
  },
  async unread(base) {
    let good = 0;
    for (let i = 0; i < 300; i++) good += Number((await fetch(`${base}/big?size=300000`)).ok);
    return good;
  },
};
