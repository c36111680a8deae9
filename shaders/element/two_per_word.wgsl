// What 16-bit types have in common.

const PER_WORD: u32 = 2u;

// A word with the bits of both elements set for which the comparison is true.
fn mask(low: vec4<bool>, high: vec4<bool>) -> vec4<u32> {
    return hard_sigmoid_choose(vec4(0u), vec4(0xffffu), low) | hard_sigmoid_choose(vec4(0u), vec4(0xffff0000u), high);
}

fn is_nan_low(words: vec4<u32>) -> vec4<bool> {
    return (words << vec4(17u)) > vec4(INFINITY << 17u);
}

fn is_nan_high(words: vec4<u32>) -> vec4<bool> {
    return (words & vec4(0x7fffffffu)) > vec4((INFINITY << 16u) | 0xffffu);
}

// Joins results in the low and the high halves of words; for a NaN in the source, the quiet NaN with the same sign and
// payload.
fn join_results(source: vec4<u32>, low: vec4<u32>, high: vec4<u32>) -> vec4<u32> {
    let quiet = source | vec4(QUIET * 0x10001u);
    let kept_low = hard_sigmoid_choose(low, quiet, is_nan_low(source));
    let kept_high = hard_sigmoid_choose(high, quiet, is_nan_high(source));
    return (kept_low & vec4(0xffffu)) | (kept_high & vec4(0xffff0000u));
}
