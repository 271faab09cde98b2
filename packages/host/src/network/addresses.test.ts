import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAddress, specialKind } from "./addresses.ts";

const kind = (text: string): string | null => specialKind(parseAddress(text) as Uint8Array);

test("addresses are bytes, in whatever notation", () => {
  const bytes = (text: string): string | null => {
    const address = parseAddress(text);
    return address && Buffer.from(address).toString("hex");
  };
  assert.equal(bytes("1.2.3.4"), "01020304");
  assert.equal(bytes("::"), "0".repeat(32));
  assert.equal(bytes("::1"), `${"0".repeat(31)}1`);
  assert.equal(bytes("2001:DB8::a:b"), "20010db80000000000000000000a000b");
  assert.equal(bytes("::ffff:127.0.0.1"), `${"0".repeat(20)}ffff7f000001`);
  assert.equal(bytes("1:2:3:4:5:6:7:8"), "00010002000300040005000600070008");
  assert.equal(bytes("1::"), `0001${"0".repeat(28)}`);
  for (const text of ["", "1.2.3", "127.1", "fe80::1%eth0", "::g", "[::1]", "1.2.3.4.5", "example.com"])
    assert.equal(parseAddress(text), null, text);
});

test("addresses that are not of the public internet", () => {
  const special: Readonly<Record<string, string>> = {
    "0.0.0.0": "unspecified",
    "0.1.2.3": "unspecified",
    "10.255.255.255": "private",
    "100.64.0.1": "private",
    "100.127.255.255": "private",
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "168.63.129.16": "cloud-internal",
    "169.254.169.254": "link-local",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.0.0.192": "reserved",
    "192.0.2.1": "documentation",
    "192.168.1.1": "private",
    "198.18.0.1": "benchmarking",
    "198.19.255.255": "benchmarking",
    "198.51.100.7": "documentation",
    "203.0.113.7": "documentation",
    "224.0.0.1": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "reserved",
    "::": "unspecified",
    "::1": "loopback",
    "::2": "reserved",
    "::127.0.0.1": "reserved",
    "::8.8.8.8": "reserved",
    "::ffff:127.0.0.1": "loopback",
    "::ffff:a9fe:a9fe": "link-local",
    "::ffff:0:10.0.0.1": "private",
    "64:ff9b::7f00:1": "loopback",
    "64:ff9b::10.1.2.3": "private",
    "64:ff9b:1::1": "reserved",
    "100::1": "reserved",
    "2001::1": "reserved",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2": "reserved",
    "2001:2::1": "reserved",
    "2001:db8::1": "documentation",
    "2002:7f00:1::1": "reserved",
    "2606:4700::5efe:10.0.0.1": "private",
    "2606:4700::200:5efe:127.0.0.1": "loopback",
    "3fff::1": "documentation",
    "4000::1": "reserved",
    "5f00::1": "reserved",
    "fc00::1": "private",
    "fd00:ec2::254": "private",
    "fe80::1": "link-local",
    "febf::1": "link-local",
    "fec0::1": "private",
    "ff02::1": "multicast",
  };
  for (const [text, expected] of Object.entries(special)) assert.equal(kind(text), expected, text);
});

test("addresses of the public internet", () => {
  const open = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
  ];
  const others = [
    "128.0.0.0",
    "169.253.255.255",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "223.255.255.255",
  ];
  const six = [
    "2606:4700::1111",
    "2a00:1450:4001::200e",
    "2001:4860:4860::8888",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
  ];
  for (const text of [...open, ...others, ...six, "2606:4700::5efe:8.8.8.8"])
    assert.equal(kind(text), null, text);
});
