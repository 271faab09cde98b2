/** A package that can't come into a sandbox, and what to do without it. */
export interface Native {
  /** From this version on; earlier ones can. */
  readonly from?: string;
  readonly instead: string;
}

const JSON_INSTEAD = "json of the standard library";
const CRYPTO_INSTEAD = "hashlib, hmac and secrets of the standard library, or a tool of the host";
const DATABASE_INSTEAD = "sqlite3 for data in the sandbox, a tool of the host for a server";
const ASYNC_INSTEAD = "asyncio, which needs nothing in its place";
const COMPRESSION_INSTEAD = "zlib, bz2 or lzma of the standard library";
const LEARNING_INSTEAD = "scikit-learn, which the engine has, or a model behind a tool of the host";
const GEOMETRY_INSTEAD = "scipy.spatial, which the engine has";
const HASHING_INSTEAD = "hashlib of the standard library";

const SERVICE_INSTEAD = "the service's HTTP interface, by httpx or urllib.request";

/** Packages that people ask for and that have native code which the engine does not carry. */
export const NATIVE: Readonly<Record<string, Native>> = {
  anthropic: { instead: SERVICE_INSTEAD },
  aiohttp: { instead: "httpx or capsule.http" },
  "argon2-cffi": { instead: CRYPTO_INSTEAD },
  "argon2-cffi-bindings": { instead: CRYPTO_INSTEAD },
  asyncpg: { instead: DATABASE_INSTEAD },
  bcrypt: { instead: CRYPTO_INSTEAD },
  blake3: { instead: HASHING_INSTEAD },
  bottleneck: { instead: "numpy and pandas, which work without it" },
  brotli: { instead: COMPRESSION_INSTEAD },
  catboost: { instead: LEARNING_INSTEAD },
  cffi: { instead: "numpy for numbers; native libraries can't be loaded" },
  cryptography: { instead: CRYPTO_INSTEAD },
  "cx-oracle": { instead: DATABASE_INSTEAD },
  duckdb: { instead: "sqlite3 of the standard library, or pandas, which the engine has" },
  eventlet: { instead: ASYNC_INSTEAD },
  fastparquet: { instead: "CSV or JSON files, or a tool of the host" },
  gevent: { instead: ASYNC_INSTEAD },
  greenlet: { instead: ASYNC_INSTEAD },
  "google-genai": { instead: SERVICE_INSTEAD },
  grpcio: { instead: SERVICE_INSTEAD },
  h5py: { instead: "numpy.save, or a tool of the host" },
  hiredis: { instead: "redis, which works without it" },
  httptools: { instead: "h11, which is pure Python" },
  jax: { instead: LEARNING_INSTEAD },
  jaxlib: { instead: LEARNING_INSTEAD },
  jiter: { instead: JSON_INSTEAD },
  jsonschema: { from: "4.18", instead: "jsonschema<4.18" },
  levenshtein: { instead: "difflib of the standard library" },
  lightgbm: { instead: LEARNING_INSTEAD },
  llvmlite: { instead: "numpy, which the engine has" },
  lz4: { instead: COMPRESSION_INSTEAD },
  mmh3: { instead: HASHING_INSTEAD },
  msgspec: { instead: `dataclasses and ${JSON_INSTEAD}` },
  mysqlclient: { instead: DATABASE_INSTEAD },
  numba: { instead: "numpy, which the engine has" },
  numexpr: { instead: "numpy, which the engine has" },
  mistralai: { instead: SERVICE_INSTEAD },
  onnxruntime: { instead: LEARNING_INSTEAD },
  openai: { instead: `openai<1.40, or ${SERVICE_INSTEAD}` },
  "opencv-python": { instead: "pillow and scipy.ndimage, which the engine has" },
  "opencv-python-headless": { instead: "pillow and scipy.ndimage, which the engine has" },
  oracledb: { instead: DATABASE_INSTEAD },
  orjson: { instead: JSON_INSTEAD },
  polars: { instead: "pandas, which the engine has" },
  psutil: { instead: "nothing: a sandbox has no processes and no machine to look at" },
  psycopg2: { instead: DATABASE_INSTEAD },
  "psycopg-binary": { instead: DATABASE_INSTEAD },
  "psycopg2-binary": { instead: DATABASE_INSTEAD },
  pyarrow: { instead: "pandas, which the engine has, with CSV or JSON files" },
  pycryptodome: { instead: CRYPTO_INSTEAD },
  pydantic: { from: "2", instead: 'pydantic 1.10 ("pydantic<2"), or dataclasses' },
  "pydantic-core": { instead: 'pydantic 1.10 ("pydantic<2"), or dataclasses' },
  pymssql: { instead: DATABASE_INSTEAD },
  pymupdf: { instead: "pypdf, which the engine has" },
  pynacl: { instead: CRYPTO_INSTEAD },
  pyodbc: { instead: DATABASE_INSTEAD },
  pyproj: { instead: GEOMETRY_INSTEAD },
  "python-rapidjson": { instead: JSON_INSTEAD },
  pyzmq: { instead: "tasks and tools of the host" },
  rapidfuzz: { instead: "difflib of the standard library" },
  "rpds-py": { instead: "jsonschema<4.18, if it is for jsonschema" },
  safetensors: { instead: LEARNING_INSTEAD },
  shapely: { instead: GEOMETRY_INSTEAD },
  spacy: { instead: "a tool of the host" },
  tables: { instead: "numpy.save, or sqlite3 of the standard library" },
  tensorflow: { instead: LEARNING_INSTEAD },
  tiktoken: { instead: "a tool of the host" },
  tokenizers: { instead: "a tool of the host" },
  torch: { instead: LEARNING_INSTEAD },
  ujson: { instead: JSON_INSTEAD },
  uvloop: { instead: ASYNC_INSTEAD },
  watchfiles: { instead: "nothing: a sandbox sees no files change" },
  xgboost: { instead: LEARNING_INSTEAD },
  xxhash: { instead: HASHING_INSTEAD },
  zstandard: { instead: COMPRESSION_INSTEAD },
};

const MEANT: Readonly<Record<string, string>> = {
  "aiohttp-cors": "aiohttp",
  brotlipy: "brotli",
  "psycopg-c": "psycopg2",
  pycrypto: "pycryptodome",
  pycryptodomex: "pycryptodome",
  "python-levenshtein": "levenshtein",
  "tensorflow-cpu": "tensorflow",
  torchvision: "torch",
  torchaudio: "torch",
};

/** What is known of a package, by its normalised name. */
export function nativePackage(name: string): Native | undefined {
  const meant = Object.hasOwn(MEANT, name) ? (MEANT[name] as string) : name;
  return Object.hasOwn(NATIVE, meant) ? NATIVE[meant] : undefined;
}
