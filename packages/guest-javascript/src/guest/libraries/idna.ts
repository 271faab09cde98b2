/** International domain names, for the URL part. */
import * as tr46 from "tr46";

export const make = (): unknown => tr46;
