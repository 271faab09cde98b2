import assert from "node:assert/strict";
import { test } from "node:test";
import { requestUrl } from "./request-url.ts";

test("what is taken as plain is what parsing leaves as it is", () => {
  const hosts = [
    ...[
      "a",
      "a.b",
      "example.com",
      "localhost",
      "a-b.c1",
      "1a.b",
      "api.example.co.uk",
      "127.0.0.1",
      "0.0.0.0",
      "255.255.255.255",
    ],
    ...[
      "256.1.1.1",
      "1.2.3",
      "1.2.3.4.5",
      "01.2.3.4",
      "0x7f.1",
      "a.0x1",
      "1",
      "a.1",
      "a.b.",
      ".a",
      "a..b",
      "-a",
      "a-.b",
      "A.b",
    ],
    ...[
      "xn--a",
      "a.xn--b",
      "bücher.de",
      "a_b.c",
      "[::1]",
      "a%62.c",
      "u@a",
      "u:p@a.b",
      "a b",
      "",
      "a.b-",
      "a--b.c",
      "1.1.1.1.",
      "1.2.3.4a",
    ],
  ];
  const ports = ["", ":1", ":80", ":443", ":8080", ":65535", ":65536", ":08", ":", ":8443", ":800"];
  const paths = [
    ...[
      "",
      "/",
      "/a",
      "/a/b.c",
      "/a/",
      "//",
      "/a//b",
      "/.",
      "/..",
      "/a/./b",
      "/a/../b",
      "/%2e",
      "/a/%2E%2e/b",
      "/.a",
      "/a.",
    ],
    ...[
      "/a%20b",
      "/a b",
      "/a|b",
      "/a^b",
      "/a\\b",
      "/é",
      "/a'b",
      "/a?b=c&d",
      "/?",
      "/a?b'c",
      '/a?b"c',
      "/a#b",
      "/a?b#",
      "/~a:@!$&()*+,;=",
    ],
    ...["?a", "/a\n", "/a\t?b", "/a?b=%zz", "/[a]", "/a?[b]", "/a?b=c/d?e", "/a;b,c"],
  ];
  let plain = 0;
  for (const scheme of ["http", "https", "HTTP", "ftp", "ws"])
    for (const host of hosts)
      for (const port of ports)
        for (const path of paths) {
          const text = `${scheme}://${host}${port}${path}`;
          const url = URL.parse(text);
          let got: string | null;
          try {
            got = requestUrl(text).href;
          } catch {
            got = null;
          }
          assert.equal(got, url && url.username === "" && url.password === "" ? url.href : null, text);
          if (url?.href === text) plain++;
        }
  assert.ok(plain > 1000);
});
