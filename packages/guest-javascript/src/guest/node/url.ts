/** `node:url`. */
import * as url from "unenv/node/url";

const { Url, domainToASCII, domainToUnicode, fileURLToPath, format, parse, pathToFileURL, resolve } = url;
const { resolveObject, urlToHttpOptions } = url;

export default {
  ...{
    Url,
    URL,
    URLSearchParams,
    domainToASCII,
    domainToUnicode,
    fileURLToPath,
    format,
    parse,
    pathToFileURL,
  },
  ...{ resolve, resolveObject, urlToHttpOptions },
};
