/** CPython's C API as far as we call it, and what the engine and the rewriter add. Objects are pointers. */
export interface Python {
  readonly memory: WebAssembly.Memory;
  /** A byte for each page of `memory`: see `MarkMap`. */
  readonly capsule_dirty: WebAssembly.Memory;
  readonly capsule_fuel: WebAssembly.Global<"i32">;
  readonly capsule_gate: WebAssembly.Table;
  readonly capsule_memory_limit: WebAssembly.Global<"i32">;
  readonly capsule_memory_granted: WebAssembly.Global<"i32">;
  readonly capsule_pages: WebAssembly.Global<"i32">;
  /** The index of the function that was cut out of this variant and called all the same; −1: none was. */
  readonly capsule_cut: WebAssembly.Global<"i32">;
  /** 1 when the guest waits for a lock that nobody can release. */
  readonly capsule_deadlock: WebAssembly.Global<"i32">;
  _initialize(): void;
  "wizer.initialize"(): void;
  /** Memory that the engine frees. */
  host_alloc(size: number): number;
  /** Runs UTF-8 source in `__main__`, in memory from `host_alloc`: 0, or what went wrong. */
  turn(source: number, length: number): number;
  PyBytes_FromStringAndSize(text: number, length: number): number;
  PyBytes_AsString(bytes: number): number;
  PyBytes_Size(bytes: number): number;
  PyImport_AddModule(name: number): number;
  PyModule_GetDict(module: number): number;
  PyDict_GetItemString(dict: number, key: number): number;
  PyObject_CallOneArg(callable: number, argument: number): number;
  PyErr_Clear(): void;
  PyThreadState_Get(): number;
  PyUnstable_ThreadState_SetStackProtection(thread: number, start: number, size: number): void;
  _Py_DecRef(object: number): void;
}
