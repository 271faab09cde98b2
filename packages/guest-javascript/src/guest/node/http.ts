/** `node:http` and `node:https`. */
import { clientModule } from "./http-module.ts";

export default { http: clientModule("http:"), https: clientModule("https:") };
