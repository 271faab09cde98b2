// The slow way of the launcher: this Node is too old, another one has to run the command. Node 16 can read this.
"use strict";

const { spawn } = require("node:child_process");
const { existsSync, readFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const { dirname, join } = require("node:path");

/** Signals that ask the command to stop; what the launcher gets of them it passes on. */
const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * The npm package `node`, installed beside Capsule: `from` are files it is looked up from. The working directory is
 * not among them: a folder that is merely stood in must not choose the program that is started. False: it is there, but
 * its install script, which fetches the binary, did not run.
 */
function installedNode(from, needed) {
  let found = null;
  for (const file of from) {
    try {
      const path = createRequire(file).resolve("node/package.json");
      const { version, bin } = JSON.parse(readFileSync(path, "utf8"));
      const binary = join(dirname(path), bin.node);
      if (Number.parseInt(version, 10) >= needed) {
        if (existsSync(binary)) return binary;
        if (existsSync(`${binary}.exe`)) return `${binary}.exe`;
        found = false;
      }
    } catch {
      // Not installed there, or not the package that is meant.
    }
  }
  return found;
}

/** The Node to start, or what to tell the user. */
function chooseNode({ version, needed, from, env }) {
  // Started by this launcher and still too old: CAPSULE_NODE is, since the package's version was looked at.
  if (env.CAPSULE_LAUNCHER)
    return { problem: `CAPSULE_NODE is Node ${version}, but Capsule needs Node ${needed} or newer` };
  const node = installedNode(from, needed);
  if (node) return { node };
  if (env.CAPSULE_NODE) {
    if (existsSync(env.CAPSULE_NODE)) return { node: env.CAPSULE_NODE };
    return { problem: `CAPSULE_NODE names ${JSON.stringify(env.CAPSULE_NODE)}, which does not exist` };
  }
  if (node === false)
    return {
      problem: `Capsule needs Node ${needed} or newer, this is ${version}: the npm package "node" is here, but its install script did not run; run npm rebuild node, or set CAPSULE_NODE`,
    };
  return {
    problem: `Capsule needs Node ${needed} or newer, this is ${version}: install one, or the npm package "node" beside Capsule, or set CAPSULE_NODE`,
  };
}

function fail(message) {
  process.stderr.write(`error: ${message} [node-version]\n`, () => process.exit(2));
}

/** Stands in front of the other Node: passes signals on and ends as it ends. */
function standInFront(node, args, env) {
  const child = spawn(node, args, { stdio: "inherit", env });
  const forward = (signal) => child.kill(signal);
  for (const signal of FORWARDED) process.on(signal, forward);
  child.on("error", (error) => fail(`can't start ${node}: ${error.message}`));
  child.on("exit", (code, signal) => {
    for (const name of FORWARDED) process.removeListener(name, forward);
    if (signal === null) process.exit(code);
    process.kill(process.pid, signal);
  });
}

/** Runs this command line in a Node that is new enough. */
function startElsewhere(needed) {
  const launcher = join(__dirname, "capsule.js");
  const choice = chooseNode({
    version: process.versions.node,
    needed,
    from: [launcher, process.argv[1]],
    env: process.env,
  });
  if (choice.problem) {
    fail(choice.problem);
    return;
  }
  const args = [...process.execArgv, launcher, ...process.argv.slice(2)];
  // The command watches this process and ends when it is gone. After execve it is this process.
  const env = { ...process.env, CAPSULE_LAUNCHER: String(process.pid) };
  if (process.execve) process.execve(choice.node, [choice.node, ...args], env);
  else standInFront(choice.node, args, env);
}

module.exports = { chooseNode, startElsewhere };
