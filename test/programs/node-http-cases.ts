// What programs and packages do with `node:http`, for plain Node and the sandbox alike.
import http, { type ClientRequest, type IncomingMessage, type RequestOptions } from "node:http";
import https from "node:https";
import { pipeline } from "node:stream/promises";

type Case = (base: string) => Promise<unknown>;

const answer = (request: ClientRequest): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => request.on("response", resolve).on("error", reject));

async function text(response: IncomingMessage): Promise<string> {
  let all = "";
  response.setEncoding("utf8");
  for await (const piece of response) all += piece;
  return all;
}

const failure = (request: ClientRequest): Promise<unknown> =>
  new Promise((resolve) => {
    const seen: unknown[] = [];
    for (const name of ["timeout", "abort", "response", "close"]) request.on(name, () => seen.push(name));
    request.on("error", (error: NodeJS.ErrnoException) => seen.push(error.name, error.code));
    request.on("close", () => resolve(seen));
  });

const thrown = (code: () => unknown): unknown => {
  try {
    code();
    return "passed";
  } catch (error) {
    return [(error as Error).name, (error as NodeJS.ErrnoException).code];
  }
};

const send = async (url: string, options: RequestOptions, body?: string | Buffer): Promise<unknown> => {
  const { headers, ...seen } = JSON.parse(await text(await answer(http.request(url, options).end(body))));
  return [
    seen,
    headers["content-length"],
    headers["transfer-encoding"],
    headers["x-own"],
    headers.authorization,
  ];
};

export const cases: Record<string, Case> = {
  get: (base) =>
    new Promise((resolve, reject) => {
      http
        .get(`${base}/headers?x`, (response) => {
          const { statusCode, statusMessage, headers, httpVersion, complete } = response;
          const some = ["set-cookie", "x-twice", "x-latin", "nope"].map((name) => headers[name]);
          const distinct = response.headersDistinct["x-twice"];
          let all = "";
          response
            .on("data", (piece: Buffer) => {
              all += piece.toString("utf8");
            })
            .on("end", () =>
              resolve([
                statusCode,
                statusMessage,
                some,
                distinct,
                httpVersion,
                complete,
                response.complete,
                all,
              ]),
            );
        })
        .on("error", reject);
    }),
  async bodies(base) {
    return [
      await send(`${base}/echo`, { method: "POST", headers: { "X-Own": "1" } }, "é"),
      await send(`${base}/echo`, { method: "POST" }),
      await send(`${base}/echo`, { method: "put", auth: "a:b" }, Buffer.from([0, 255])),
      await send(`${base}/echo`, { headers: { "x-own": ["a", "b"] } }),
      await send(`${base}/echo`, { method: "DELETE" }),
    ];
  },
  async pieces(base) {
    const request = http.request(`${base}/echo`, { method: "POST" });
    request.write("one ");
    request.write(Buffer.from("two "));
    setTimeout(() => request.end("three"), 10);
    const seen = JSON.parse(await text(await answer(request)));
    return [seen.body, seen.headers["transfer-encoding"], request.writableFinished];
  },
  async length(base) {
    const request = http.request(`${base}/echo`, { method: "POST", headers: { "Content-Length": 6 } });
    request.write("abc");
    request.end("def");
    const seen = JSON.parse(await text(await answer(request)));
    return [seen.body, seen.headers["content-length"], seen.headers["transfer-encoding"]];
  },
  async options(base) {
    const { hostname, port } = new URL(base);
    const request = http.request({
      hostname,
      port,
      path: "/echo?a=1",
      agent: new http.Agent({ keepAlive: true }),
    });
    const { method, path, host, protocol } = request;
    const seen = JSON.parse(await text(await answer(request.end())));
    return [method, path, host, protocol, seen.url];
  },
  async redirect(base) {
    const response = await answer(http.get(`${base}/redirect?to=/x`));
    return [response.statusCode, response.headers.location, await text(response)];
  },
  async pipe(base) {
    const request = http.request(`${base}/upload`, { method: "POST" });
    const answered = answer(request);
    await pipeline(await answer(http.get(`${base}/big?size=1000000`)), request);
    return JSON.parse(await text(await answered));
  },
  async refused() {
    return failure(http.get("http://127.0.0.1:1/"));
  },
  async destroyed(base) {
    const request = http.get(`${base}/never`);
    setTimeout(() => request.destroy(), 20);
    return failure(request);
  },
  async destroyedWith(base) {
    const request = http.get(`${base}/never`);
    setTimeout(() => request.destroy(new RangeError("mine")), 20);
    return failure(request);
  },
  async timeout(base) {
    const request = http.get(`${base}/never`, { timeout: 30 });
    request.on("timeout", () => request.destroy());
    return failure(request);
  },
  async signal(base) {
    return failure(http.get(`${base}/never`, { signal: AbortSignal.timeout(20) }));
  },
  async cut(base) {
    const response = await answer(http.get(`${base}/cut`));
    const seen: unknown[] = [];
    return new Promise((resolve) => {
      response
        .on("aborted", () => seen.push("aborted"))
        .on("error", (error: NodeJS.ErrnoException) => seen.push(error.code))
        .on("end", () => seen.push("end"))
        .on("close", () => resolve([seen, response.complete, response.aborted]))
        .resume();
    });
  },
  async early(base) {
    const response = await answer(http.get(`${base}/never?head`));
    await new Promise((resolve) => response.once("data", resolve));
    response.destroy();
    await new Promise((resolve) => response.once("close", resolve));
    return [response.complete, response.destroyed];
  },
  async events(base) {
    const seen: string[] = [];
    const request = http.request(`${base}/echo`, { method: "POST" });
    for (const name of ["socket", "finish", "response", "close"]) request.on(name, () => seen.push(name));
    request.end("x");
    const response = await answer(request);
    const closed = new Promise((resolve) => request.once("close", resolve));
    await text(response);
    await closed;
    return seen;
  },
  async headers(base) {
    const request = http.request(`${base}/echo`, { method: "POST", headers: { A: "1" } });
    request.setHeader("X-B", "2");
    request.setHeader("x-c", ["3", "4"]);
    request.removeHeader("A");
    const before = [
      ...[request.getHeader("x-b"), request.hasHeader("X-C"), request.hasHeader("a"), request.headersSent],
      ...[request.getHeader("X-c"), request.getHeaderNames().filter((name) => name !== "host")],
    ];
    const late = answer(request);
    request.end("x");
    await late;
    return [before, request.headersSent, thrown(() => request.setHeader("a", "b"))];
  },
  async wrong() {
    return [
      thrown(() => http.get("http://127.0.0.1/", { headers: { "a b": "c" } })),
      thrown(() => http.get("http://127.0.0.1/", { headers: { a: "b\nc" } })),
      thrown(() => http.get({ path: "/a b" })),
      thrown(() => http.get("https://127.0.0.1/")),
      thrown(() => https.get("http://127.0.0.1/")),
      thrown(() => http.request({ method: "a b" })),
      thrown(() => http.get("nothing")),
    ];
  },
  async module() {
    return [
      ...[http.METHODS, http.STATUS_CODES, typeof http.Agent, typeof https.Agent, http.maxHeaderSize],
      ...[
        new http.Agent({ maxSockets: 2 }).maxSockets,
        new https.Agent({ maxSockets: 3 }).maxSockets,
        typeof http.globalAgent,
      ],
    ];
  },
  async parallel(base) {
    const all = await Promise.all(
      Array.from({ length: 20 }, async () => text(await answer(http.get(`${base}/slow?ms=100`)))),
    );
    return all.join();
  },
};
