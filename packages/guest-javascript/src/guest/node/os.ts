/** `node:os`: a small machine that says nothing of the one it runs on. */
import { dlopen, errno, priority, signals } from "unenv/node/internal/os/constants";
import { PROGRAM_FOLDER } from "../../door.ts";

const MEMORY = 4 * 1024 ** 3;
const { platform, arch } = globalThis.process;
const cpu = { model: "sandbox", speed: 0, times: { user: 0, nice: 0, sys: 0, idle: 0, irq: 0 } };

export default {
  EOL: "\n",
  devNull: "/dev/null",
  constants: { UV_UDP_REUSEADDR: 4, dlopen, errno, priority, signals },
  arch: () => arch,
  availableParallelism: () => 1,
  cpus: () => [cpu],
  endianness: () => "LE",
  freemem: () => MEMORY,
  getPriority: () => 0,
  homedir: () => PROGRAM_FOLDER,
  hostname: () => "localhost",
  loadavg: () => [0, 0, 0],
  machine: () => arch,
  networkInterfaces: () => ({}),
  platform: () => platform,
  release: () => "",
  setPriority: () => {},
  tmpdir: () => "/tmp",
  totalmem: () => MEMORY,
  type: () => "Capsule",
  uptime: () => performance.now() / 1000,
  userInfo: () => ({ uid: -1, gid: -1, username: "sandbox", homedir: PROGRAM_FOLDER, shell: null }),
  version: () => "",
};
