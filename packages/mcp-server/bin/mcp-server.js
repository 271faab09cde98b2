#!/usr/bin/env node
// `capsule mcp` of the command line that this package depends on. Plain JavaScript that Node 16 can read, because the
// command line's launcher finds a Node that is new enough.
"use strict";

const { dirname, join } = require("node:path");

const launcher = join(dirname(require.resolve("@capsule-run/cli/package.json")), "bin", "capsule.js");
process.argv.splice(1, 1, launcher, "mcp");
require(launcher);
