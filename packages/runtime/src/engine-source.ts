import { type EngineInfo, readEngineInfo } from "@capsule-run/guest-javascript/drive";
import { UsageError } from "@capsule-run/protocol";
import type { Engine, EngineSource } from "./engines.ts";
import { cellScript, javascriptEngine } from "./parts.ts";

/** The engines that come with the command line, and those that it fetches and makes ready. */
export function installedEngines(progress: (text: string) => void): EngineSource {
  let info: EngineInfo | null = null;
  const javascript = (): Engine => {
    const folder = javascriptEngine();
    info ??= readEngineInfo(folder);
    const { hash, floor } = info;
    return { language: "javascript", variant: "full", hash, floor, script: cellScript("javascript"), folder };
  };
  return {
    async release(language) {
      if (language === "javascript") return javascript().hash;
      throw new UsageError("engine", `no Python engine${progress.length}`);
    },
    async engine(language, variant) {
      if (language === "javascript") return javascript();
      throw new UsageError("engine", `no Python engine ${variant}`);
    },
  };
}
