import { EffectError } from "@capsule-run/protocol";

/** What went wrong on the wire, in words for a program: nothing of the host's own. */
const BY_CODE: Readonly<Record<string, readonly [code: string, words: (host: string) => string]>> = {
  ECONNREFUSED: ["ECONNREFUSED", (host) => `"${host}" refused the connection`],
  EHOSTUNREACH: ["ECONNREFUSED", (host) => `"${host}" can't be reached`],
  ENETUNREACH: ["ECONNREFUSED", (host) => `"${host}" can't be reached`],
  EADDRNOTAVAIL: ["ECONNREFUSED", (host) => `"${host}" can't be reached`],
  EACCES: ["ECONNREFUSED", (host) => `"${host}" can't be reached`],
  ETIMEDOUT: ["ETIMEDOUT", (host) => `"${host}" did not answer in time`],
  UND_ERR_CONNECT_TIMEOUT: ["ETIMEDOUT", (host) => `no connection to "${host}" in time`],
  UND_ERR_HEADERS_OVERFLOW: [
    "ELIMIT",
    (host) => `the headers that "${host}" sent are too large (headerBytes)`,
  ],
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: ["EINVAL", () => "the body is not as long as Content-Length says"],
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: ["ECONNRESET", (host) => `"${host}" ended its answer too early`],
  UND_ERR_INVALID_ARG: ["EINVAL", () => "the request is not valid HTTP"],
  Z_DATA_ERROR: ["ECONNRESET", (host) => `the compressed body that "${host}" sent is damaged`],
  ERR_TLS_CERT_ALTNAME_INVALID: ["ETLS", (host) => `the certificate of "${host}" is for another host`],
  CERT_HAS_EXPIRED: ["ETLS", (host) => `the certificate of "${host}" has expired`],
  CERT_NOT_YET_VALID: ["ETLS", (host) => `the certificate of "${host}" is not valid yet`],
  CERT_REVOKED: ["ETLS", (host) => `the certificate of "${host}" was revoked`],
};

/** Of certificates that nobody vouches for, and of TLS itself. */
const UNTRUSTED =
  /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_|HOSTNAME_MISMATCH|INVALID_CA)/;
const TLS = /^(?:ERR_SSL_|ERR_TLS_|EPROTO)/;
const DAMAGED = /^(?:Z_|ERR__ERROR_FORMAT_|ERR_BROTLI|ZSTD_)/;
const MALFORMED = /^(?:HPE_|UND_ERR_HTTP_PARSER)/;

function codeOf(error: unknown): string {
  const { code, errors } = (error ?? {}) as { code?: unknown; errors?: unknown };
  if (typeof code === "string") return code;
  return Array.isArray(errors) && errors.length > 0 ? codeOf(errors[0]) : "";
}

/** An error of the transport as one for the program. `host` is as the program wrote it. */
export function wireError(error: unknown, host: string): EffectError {
  if (error instanceof EffectError) return error;
  const code = codeOf(error);
  const row = Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : undefined;
  const options = { cause: error };
  if (row) return new EffectError(row[0], row[1](host), options);
  if (UNTRUSTED.test(code))
    return new EffectError("ETLS", `the certificate of "${host}" is not trusted (${code})`, options);
  if (TLS.test(code)) return new EffectError("ETLS", `TLS with "${host}" failed`, options);
  if (DAMAGED.test(code))
    return new EffectError("ECONNRESET", BY_CODE.Z_DATA_ERROR?.[1](host) ?? "", options);
  if (MALFORMED.test(code))
    return new EffectError("ECONNRESET", `what "${host}" answered is not valid HTTP`, options);
  return new EffectError("ECONNRESET", `the connection to "${host}" was lost`, options);
}
