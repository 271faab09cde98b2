import type { Services } from "./context.ts";

/** The rest of Capsule, each part loaded when it is first needed. */
export const services: Services = {
  async createRuntime(options) {
    return (await import("@capsule-run/runtime")).createRuntime(options);
  },
  inventory: () => import("@capsule-run/runtime/inventory"),
  async openRecord(folder) {
    return (await import("@capsule-run/runtime/records")).openRecord(folder);
  },
  async findEntrypoint(folder) {
    const { readProject } = await import("@capsule-run/config");
    return (await readProject({ cwd: folder })).entrypoint;
  },
};
