"""Runs modules in wasmtime, as wasmtime.ts asks: a line of JSON for each, and one for the answer."""

import base64
import hashlib
import json
import struct
import sys

from wasmtime import (
    Config,
    Engine,
    Func,
    FuncType,
    Global,
    Instance,
    Module,
    Store,
    Trap,
    ValType,
    WasmtimeError,
)

config = Config()
config.consume_fuel = True
config.cranelift_nan_canonicalization = True
config.wasm_exceptions = True
config.wasm_tail_call = True
config.wasm_multi_memory = True
config.max_wasm_stack = 1 << 20
engine = Engine(config)

FUEL = 100_000_000


def bits(kind, value):
    if kind == "i32":
        return format(value & 0xFFFFFFFF, "x")
    if kind == "i64":
        return format(value & 0xFFFFFFFFFFFFFFFF, "x")
    return "nan" if value != value else struct.pack(">d", value).hex()


def number(kind, text):
    if kind in ("i32", "i64"):
        width = 32 if kind == "i32" else 64
        value = int(text, 16)
        return value - (1 << width) if value >> (width - 1) else value
    return float("nan") if text == "nan" else struct.unpack(">d", bytes.fromhex(text))[0]


def ask(job):
    store = Store(engine)
    store.set_fuel(FUEL)
    module = Module(engine, base64.b64decode(job["wasm"]))
    imports = [imported(store, item.type) for item in module.imports]
    exports = Instance(store, module, imports).exports(store)
    used = open_gate(store, exports, job) if job["rewritten"] else None
    calls = []
    for call in job["calls"]:
        args = [number(kind, text) for kind, text in call["args"]]
        try:
            results = exports[call["name"]](store, *args)
            results = results if isinstance(results, list) else [] if results is None else [results]
            calls.append(",".join(bits(kind, value) for kind, value in zip(call["results"], results)))
        except Trap as trap:
            calls.append("trap: " + (trap.trap_code.name if trap.trap_code is not None else str(trap)))
        except WasmtimeError as error:
            calls.append("error: " + str(error).split("\n")[0])
    memory = exports.get("fuzz:2-0") if hasattr(exports, "get") else None
    image = hashlib.sha1(bytes(memory.read(store))).hexdigest() if memory is not None else ""
    return {"calls": calls, "memory": image, "fuel": used() if used else 0}


def nothing(kind):
    return {"i32": 0, "i64": 0, "f32": 0.0, "f64": 0.0}.get(str(kind))


def imported(store, kind):
    """Functions that do nothing, and globals that hold nothing."""
    if not isinstance(kind, FuncType):
        return Global(store, kind, nothing(kind.content))
    values = [nothing(result) for result in kind.results]
    return Func(store, kind, lambda *_: values if len(values) > 1 else values[0] if values else None)


def open_gate(store, exports, job):
    fuel = exports["capsule_fuel"]
    granted = [job["slice"]]
    fuel.set_value(store, job["slice"])

    def answer():
        if granted[0] >= job["limit"]:
            return 1
        granted[0] += job["slice"]
        fuel.set_value(store, fuel.value(store) + job["slice"])
        return 0

    gate = Module(engine, base64.b64decode(job["gate"]))
    import_ = Func(store, FuncType([], [ValType.i32()]), answer)
    exports["capsule_gate"].set(store, 0, Instance(store, gate, [import_]).exports(store)["gate"])
    exports["capsule_memory_limit"].set_value(store, job["pages"])
    return lambda: granted[0] - fuel.value(store)


for line in sys.stdin:
    try:
        reply = ask(json.loads(line))
    except Exception as error:  # whatever it is, the other side tells
        reply = {"failed": f"{type(error).__name__}: {str(error)[:300]}"}
    print(json.dumps(reply), flush=True)
