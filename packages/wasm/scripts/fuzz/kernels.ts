import { wat } from "../../src/testing/wat.ts";

/** Small modules, each with something that is easy to get wrong; mutations begin at them, too. */
const TEXTS: readonly string[] = [
  // Tables of branches: one target, many, values, out of range, to loops.
  `(module (memory (export "m") 1) (func (export "f") (param i32) (result i32) (local i32)
    (block $a (result i32) (block $b (result i32) (br_table $a $b $a (i32.const 7) (local.get 0))) (drop) (i32.const 9))
    (drop) (block $o (loop $l (local.set 1 (i32.add (local.get 1) (i32.const 1)))
      (br_if $o (i32.gt_u (local.get 1) (i32.const 50))) (br_table $l $o $l (i32.and (local.get 1) (i32.const 3))) )) (local.get 1)))`,
  // Blocks and loops with parameters and several results.
  `(module (func $p (param i32 i32) (result i32 i32) (i32.add (local.get 0) (i32.const 1)) (local.get 1))
    (func (export "f") (param i32) (result i32 i32)
    (i32.const 0) (local.get 0) (loop $l (param i32 i32) (result i32 i32) (call $p) (drop) (local.tee 0)
      (i32.const 3) (br_if $l (i32.lt_u (local.get 0) (i32.const 9))))
    (block (param i32 i32) (result i32 i32) (call $p) (if (param i32) (result i32) (i32.const 1) (then (i32.const 2) (i32.add)) (else (drop) (i32.const 4))))))`,
  // Bulk operations, as long as can be.
  `(module (memory (export "m") 30) (data $d "hello, world, once more")
    (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
    (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
    (func (export "init") (param i32 i32 i32) (memory.init $d (local.get 0) (local.get 1) (local.get 2)) (data.drop $d))
    (func (export "big") (memory.fill (i32.const 5) (i32.const 7) (i32.const 1500000))
      (i64.store (i32.const 1048580) (i64.const 0x0102030405060708)) (i64.store (i32.const 1048640) (i64.const 0x1112131415161718)) (memory.copy (i32.const 70) (i32.const 3) (i32.const 1800000))
      (memory.copy (i32.const 3) (i32.const 70) (i32.const 1700001))))`,
  // Growing, to the limit and beyond.
  `(module (memory (export "m") 1) (func (export "g") (param i32) (result i32 i32) (memory.grow (local.get 0)) (memory.size))
    (func (export "s") (result i32) (i32.store8 (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 1)) (i32.const 1)) (memory.grow (i32.const 3))))`,
  // Tables of both kinds.
  `(module (type $t (func (param i32) (result i32))) (table $a (export "a") 4 20 funcref) (table $b 3 externref)
    (elem (table $a) (i32.const 1) func $x $y) (elem $p func $y $x $x) (global $g (mut externref) (ref.null extern))
    (func $x (type $t) (i32.add (local.get 0) (i32.const 1))) (func $y (type $t) (call_indirect $a (type $t) (i32.sub (local.get 0) (i32.const 1)) (local.get 0)))
    (func (export "f") (param i32) (result i32) (call_indirect $a (type $t) (local.get 0) (local.get 0)))
    (func (export "init") (param i32 i32 i32) (table.init $a $p (local.get 0) (local.get 1) (local.get 2)) (elem.drop $p))
    (func (export "copy") (param i32 i32 i32) (table.copy $a $a (local.get 0) (local.get 1) (local.get 2)))
    (func (export "fill") (param i32 externref i32) (table.fill $b (local.get 0) (local.get 1) (local.get 2)) (global.set $g (local.get 1)))
    (func (export "grow") (param i32) (result i32 i32) (table.grow $b (ref.null extern) (local.get 0)) (table.size $b))
    (func (export "set") (param i32) (table.set $a (local.get 0) (ref.func $x)) (drop (ref.is_null (table.get $a (local.get 0))))))`,
  // What is never reached may hold anything.
  `(module (memory 1) (func (export "f") (param i32) (result i32) (block $b (br_if $b (local.get 0)) (unreachable) (i32.add) (drop) (br_table $b) (memory.fill)
    (if (then (nop) (br 1)) (else (return) (select) (drop))) (loop (br 0) (i32.store) (f64.add) (drop) (memory.grow) (drop))) (i32.const 3)))`,
  // Exceptions in the old way.
  `(module (tag $e (param i32)) (tag $x) (func $t (param i32) (if (local.get 0) (then (throw $e (local.get 0)))) (throw $x))
    (func (export "f") (param i32) (result i32) (try $o (result i32) (do (try (do (call $t (local.get 0))) (delegate $o)) (i32.const 0)) (catch $e) (catch_all (i32.const -1))))
    (func (export "r") (param i32) (result i32) (try (result i32) (do (try (result i32) (do (call $t (local.get 0)) (i32.const 1)) (catch_all (rethrow 0)))) (catch $e (i32.const 5) (i32.add)) (catch $x (i32.const 2)))))`,
  // Vectors.
  `(module (memory (export "m") 1) (func (export "f") (param f32 f64) (local v128)
    (local.set 2 (f32x4.div (f32x4.splat (local.get 0)) (f32x4.sub (f32x4.splat (local.get 0)) (f32x4.splat (local.get 0)))))
    (v128.store (i32.const 16) (local.get 2)) (v128.store offset=32 (i32.const 0) (f64x2.sqrt (f64x2.splat (local.get 1))))
    (v128.store16_lane offset=70 3 (i32.const 0) (local.get 2)) (v128.store (i32.const 90) (f64x2.promote_low_f32x4 (local.get 2)))
    (v128.store (i32.const 110) (i8x16.swizzle (local.get 2) (v128.load8_splat (i32.const 3))))))`,
  // Tail calls, direct and not, round and round.
  `(module (type $t (func (param i32 i32) (result i32))) (table funcref (elem $a $b))
    (func $a (type $t) (if (i32.eqz (local.get 0)) (then (return (local.get 1)))) (return_call $b (i32.sub (local.get 0) (i32.const 1)) (i32.add (local.get 1) (i32.const 3))))
    (func $b (type $t) (if (i32.eqz (local.get 0)) (then (return (i32.const -1)))) (return_call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (local.get 1) (i32.and (local.get 0) (i32.const 1))))
    (func (export "f") (param i32) (result i32) (call $a (i32.and (local.get 0) (i32.const 1023)) (i32.const 0))))`,
  // Floats with any bits, through every conversion.
  `(module (import "env" "f" (func $h (result f64))) (import "env" "g" (global $g f64)) (memory (export "m") 1)
    (func (export "f") (param f64 f32) (result i64 i32) (f64.store (i32.const 8) (f64.add (local.get 0) (call $h))) (f32.store (i32.const 20) (f32.min (local.get 1) (f32.demote_f64 (local.get 0))))
    (f64.store (i32.const 32) (f64.neg (f64.sqrt (f64.mul (global.get $g) (local.get 0))))) (i64.trunc_sat_f64_s (f64.nearest (local.get 0))) (i32.reinterpret_f32 (f32.copysign (f32.floor (local.get 1)) (f32.const -1))))
    (func (export "t") (param f64) (result i32 i64) (i32.trunc_f64_u (local.get 0)) (i64.extend16_s (i64.trunc_f64_s (local.get 0)))))`,
  // Constants that are computed, segments that follow from others.
  `(module (global $a i32 (i32.const 40)) (global $b (export "b") i32 (i32.add (global.get $a) (i32.mul (i32.const 3) (i32.const 4)))) (memory (export "m") 1)
    (data (global.get $b) "abc") (data (offset (i32.sub (global.get $b) (i32.const 20))) "") (func (export "f") (result i32) (i32.load8_u (global.get $b))))`,
  // What is refused.
  `(module (memory 1) (memory 1) (func (export "f") (result i32) (memory.size 1)))`,
  `(module (memory i64 1) (func (export "f") (result i64) (memory.size)))`,
  `(module (import "env" "m" (memory 1)) (func (export "f")))`,
  `(module (func $s) (start $s))`,
  `(module (memory 1 1 shared) (func (export "f") (result i32) (i32.atomic.load (i32.const 0))))`,
  `(module (func (export "f") (param v128) (result v128) (i8x16.relaxed_swizzle (local.get 0) (local.get 0))))`,
  "(module)",
];

let made: readonly Uint8Array[] | undefined;

/** The modules, with a name section each. */
export function kernels(): readonly Uint8Array[] {
  made ??= TEXTS.map((text) => wat(text, { names: true, validate: false }));
  return made;
}
