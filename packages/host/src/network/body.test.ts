import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as zlib from "node:zlib";
import { ask, bodyOf, failing, network, PATIENT, serve } from "./testing.ts";

const TEXT = Buffer.from("hello world ".repeat(1000));
const encodings: Readonly<Record<string, (body: Buffer) => Buffer>> = {
  gzip: zlib.gzipSync,
  "x-gzip": zlib.gzipSync,
  deflate: zlib.deflateSync,
  "deflate ": zlib.deflateRawSync,
  br: zlib.brotliCompressSync,
  zstd: zlib.zstdCompressSync,
  "GZIP, identity": zlib.gzipSync,
  "deflate, br": (body) => zlib.brotliCompressSync(zlib.deflateSync(body)),
  "gzip, gzip": (body) => zlib.gzipSync(zlib.gzipSync(body)),
};

describe("compressed responses", () => {
  test("are decompressed, and say so no more", async () => {
    await using server = await serve((request, response) => {
      const encoding = decodeURIComponent(request.url?.slice(1) ?? "");
      response.setHeader("content-encoding", encoding);
      response.end(encodings[encoding]?.(TEXT));
    });
    await using net = network([server.host], PATIENT);
    for (const encoding of Object.keys(encodings)) {
      const got = await ask(net, `${server.url}/${encodeURIComponent(encoding)}`);
      assert.equal(got.head.handle, null, encoding);
      assert.deepEqual(got.payload, TEXT, encoding);
      const names = got.head.headers.map(([name]) => name);
      assert.ok(!names.includes("content-encoding") && !names.includes("content-length"), encoding);
      assert.ok((net.requests.at(-1)?.response_bytes ?? 0) < 500, encoding);
    }
  });

  test("that nobody knows stay as they are", async () => {
    await using server = await serve((_, response) =>
      response.writeHead(200, { "content-encoding": "gzip, secret" }).end("as it is"),
    );
    await using net = network([server.host]);
    const { head, payload } = await ask(net, server.url);
    assert.equal(payload.toString(), "as it is");
    assert.equal(new Map(head.headers).get("content-encoding"), "gzip, secret");
  });

  test("arrive piece by piece", async () => {
    const gzip = zlib.createGzip();
    await using server = await serve((_, response) => {
      response.setHeader("content-encoding", "gzip");
      gzip.pipe(response);
      gzip.write("first");
      gzip.flush();
    });
    await using net = network([server.host]);
    const got = await ask(net, server.url);
    const next = bodyOf(net, got);
    gzip.end(" second");
    assert.equal((await next).toString(), "first second");
  });

  test("that are damaged, empty, or cut off", async () => {
    const bodies: Readonly<Record<string, Buffer | string>> = {
      empty: "",
      gzip: "this is not gzip",
      br: Buffer.from("ffffffffffff", "hex"),
      zstd: "this is not zstd",
      deflate: "x\x9cnot deflate",
    };
    await using server = await serve((request, response) => {
      const name = request.url?.slice(1) ?? "";
      response.setHeader("content-encoding", name === "empty" ? "gzip, br" : name);
      response.end(bodies[name]);
    });
    await using net = network([server.host]);
    assert.equal((await ask(net, `${server.url}/empty`)).payload.length, 0);
    for (const name of Object.keys(bodies).slice(1))
      await assert.rejects(
        ask(net, `${server.url}/${name}`).then((got) => bodyOf(net, got)),
        failing("ECONNRESET", /damaged|lost/),
        name,
      );
  });

  test("a gzip bomb ends early, whatever it is packed into", async () => {
    const zeros = Buffer.alloc(32 * 1024 * 1024);
    const bombs: Readonly<Record<string, Buffer>> = {
      gzip: zlib.gzipSync(zeros),
      br: zlib.brotliCompressSync(zeros, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 1 } }),
      zstd: zlib.zstdCompressSync(zeros),
      "gzip, gzip": zlib.gzipSync(zlib.gzipSync(zeros)),
    };
    await using server = await serve((request, response) => {
      const encoding = decodeURIComponent(request.url?.slice(1) ?? "");
      response.setHeader("content-encoding", encoding);
      response.end(bombs[encoding]);
    });
    await using net = network([server.host], { limits: { expandedBytes: 1024 * 1024 } });
    for (const encoding of Object.keys(bombs)) {
      let seen = 0;
      const reading = ask(net, `${server.url}/${encodeURIComponent(encoding)}`).then(async (got) => {
        seen = got.payload.length;
        return bodyOf(net, got);
      });
      await assert.rejects(reading, failing("ELIMIT", /\(expansion\)/), encoding);
      assert.ok(seen <= 256 * 1024);
    }
    await using small = network([server.host], { limits: { responseBytes: 1024 * 1024 } });
    await assert.rejects(
      ask(small, `${server.url}/gzip`).then((got) => bodyOf(small, got)),
      failing("ELIMIT", /\(responseBytes\)/),
    );
  });

  test("compressed too often", async () => {
    await using server = await serve((_, response) =>
      response.writeHead(200, { "content-encoding": "gzip, gzip, gzip" }).end("x"),
    );
    await using net = network([server.host]);
    await assert.rejects(ask(net, server.url), failing("ELIMIT", /\(codings\)/));
  });

  test("with a window that would take much memory, or too many at once", async () => {
    const noise = Buffer.from(Array.from({ length: 1_000_000 }, (_, i) => (i * i * 31) >> 3));
    const wide = zlib.zstdCompressSync(Buffer.alloc(16 * 1024 * 1024, noise), {
      params: {
        [zlib.constants.ZSTD_c_windowLog]: 27,
        [zlib.constants.ZSTD_c_enableLongDistanceMatching]: 1,
        [zlib.constants.ZSTD_c_contentSizeFlag]: 0,
      },
    });
    const gzip = zlib.gzipSync(noise);
    await using server = await serve((request, response) => {
      const isWide = request.url === "/wide";
      response.writeHead(200, { "content-encoding": isWide ? "zstd" : "gzip" }).end(isWide ? wide : gzip);
    });
    await using net = network([server.host], { limits: { openCompressed: 2 } });
    await assert.rejects(
      ask(net, `${server.url}/wide`).then((got) => bodyOf(net, got)),
      failing("ECONNRESET", /damaged/),
    );
    const first = await ask(net, server.url);
    await ask(net, server.url);
    await assert.rejects(ask(net, server.url), failing("ELIMIT", /\(openCompressed\)/));
    assert.deepEqual(await bodyOf(net, first), noise);
    await ask(net, server.url);
  });
});
