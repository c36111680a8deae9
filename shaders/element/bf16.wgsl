// bf16, of which a word holds two.

// Whether a NaN is widened to a NaN on every driver.
const WIDENS_NAN: bool = true;

// The bits of the f32 up to which results round to 0, and from which on they round to 1. Both are ties.
const ROUNDS_TO_0: u32 = 0x00008000u;
const ROUNDS_TO_1: u32 = 0x3f7f8000u;

// The bits of infinity, and the bit that makes a NaN quiet.
const INFINITY: u32 = 0x7f80u;
const QUIET: u32 = 0x0040u;

// Converts the bf16 in the low halves to f32.
fn widen_low(words: vec4<u32>) -> vec4<u32> {
    return words << vec4(16u);
}

fn widen_high(words: vec4<u32>) -> vec4<u32> {
    return words & vec4(0xffff0000u);
}

// Rounds f32 to the nearest bf16, ties to even.
fn pack(source: vec4<u32>, low: vec4<u32>, high: vec4<u32>) -> vec4<u32> {
    return join_results(source, round_to_high(low) >> vec4(16u), round_to_high(high));
}

fn pack_result(source: vec4<u32>, low: vec4<u32>, high: vec4<u32>) -> vec4<u32> {
    return pack(source, low, high);
}

// Rounds to a bf16 in the high half.
fn round_to_high(x: vec4<u32>) -> vec4<u32> {
    return x + 0x7fffu + ((x >> vec4(16u)) & vec4(1u));
}
