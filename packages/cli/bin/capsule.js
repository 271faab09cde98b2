#!/usr/bin/env node
// The launcher: plain JavaScript that Node 16 can read. It finds a Node that is new enough; on the usual way, that
// the one which runs this file is, it does nothing else, because each module it loads is paid for by every command.
// CommonJS: ES modules start 5 ms later.
"use strict";

const NEEDED = 24;

// Compiled code of the command line is kept between runs. Where the folder can't be written, nothing is.
function keepCompiledCode() {
  const { CAPSULE_CACHE_DIR, XDG_CACHE_HOME, HOME, LOCALAPPDATA } = process.env;
  const own = process.platform === "darwin" ? "Library/Caches" : ".cache";
  const user = XDG_CACHE_HOME || LOCALAPPDATA || (HOME && `${HOME}/${own}`);
  const folder = CAPSULE_CACHE_DIR || (user && `${user}/capsule`);
  if (folder) require("node:module").enableCompileCache(`${folder}/compiled`);
}

if (Number.parseInt(process.versions.node, 10) >= NEEDED) {
  keepCompiledCode();
  require("../dist/capsule.js");
} else {
  require("./elsewhere.js").startElsewhere(NEEDED);
}
