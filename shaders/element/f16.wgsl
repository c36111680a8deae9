// f16, of which a word holds two.

// The bits of the f32 up to which results round to 0, and from which on they round to 1. Both are ties.
const ROUNDS_TO_0: u32 = 0x33000000u;
const ROUNDS_TO_1: u32 = 0x3f7ff000u;

// The bits of infinity, and the bit that makes a NaN quiet.
const INFINITY: u32 = 0x7c00u;
const QUIET: u32 = 0x0200u;

// Rounds f32 to the nearest f16, ties to even. Does not use pack2x16float, which drivers round differently.
fn pack(source: vec4<u32>, low: vec4<u32>, high: vec4<u32>) -> vec4<u32> {
    let limit = vec4(0x47800000u);
    let magnitude = vec4(0x7fffffffu);
    // 2^16 is greater than the largest f16 and becomes infinity.
    let rounded_low = round_to_low(min(low & magnitude, limit)) | ((low >> vec4(16u)) & vec4(0x8000u));
    let rounded_high = (round_to_low(min(high & magnitude, limit)) << vec4(16u)) | (high & vec4(0x80000000u));
    return join_results(source, rounded_low, rounded_high);
}

// The same for f32 from 0 to 2^16.
fn pack_result(source: vec4<u32>, low: vec4<u32>, high: vec4<u32>) -> vec4<u32> {
    return join_results(source, round_to_low(low), round_to_low(high) << vec4(16u));
}

// Rounds to an f16 in the low half.
//
// x is added to a power of two that is so large that the ULP of the sum is the ULP of x as an f16. The last bits of the
// sum are then the rounded significand. Subnormal f16 have the ULP of 2^-14, whose exponent has the bits 113. To the
// significand, (exponent - 113) << 10 is to be added. Modulo 2^16, -113 << 10 is 0x3c00, which the power already holds.
fn round_to_low(x: vec4<u32>) -> vec4<u32> {
    let exponent = max(x >> vec4(23u), vec4(113u));
    let power = (exponent << vec4(23u)) + ((13u << 23u) + 0x3c00u);
    let sum = bitcast<vec4<u32>>(bitcast<vec4<f32>>(x) + bitcast<vec4<f32>>(power));
    return sum + (exponent << vec4(10u));
}
