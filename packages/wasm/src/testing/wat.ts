import loadWabt from "wabt";

const wabt = await loadWabt();

const FEATURES = {
  exceptions: true,
  mutable_globals: true,
  sat_float_to_int: true,
  sign_extension: true,
  simd: true,
  relaxed_simd: true,
  threads: true,
  multi_value: true,
  tail_call: true,
  bulk_memory: true,
  reference_types: true,
  gc: true,
  function_references: true,
  memory64: true,
  multi_memory: true,
  extended_const: true,
};

/** Assembles a module from its text, without a name section unless asked for. */
export function wat(text: string, { validate = true, names = false } = {}): Uint8Array {
  const module = wabt.parseWat("test.wat", text, FEATURES);
  try {
    if (validate) module.validate();
    return module.toBinary({ write_debug_names: names }).buffer;
  } finally {
    module.destroy();
  }
}
