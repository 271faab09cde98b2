export { type Translated, type TranslateOptions, translatePlaces, translateReport } from "./translate.ts";
