// f32, of which a word holds one: there is no high element.

const PER_WORD: u32 = 1u;

// Whether a NaN is widened to a NaN on every driver.
const WIDENS_NAN: bool = true;

// The bits up to which results are 0, and from which on they are 1.
const ROUNDS_TO_0: u32 = 0u;
const ROUNDS_TO_1: u32 = 0x3f800000u;

fn widen_low(words: vec4<u32>) -> vec4<u32> {
    return words;
}

fn widen_high(words: vec4<u32>) -> vec4<u32> {
    return words;
}

fn pack(source: vec4<u32>, low: vec4<u32>, high: vec4<u32>) -> vec4<u32> {
    return hard_sigmoid_choose(low, source | vec4(0x00400000u), hard_sigmoid_is_nan(source));
}

fn pack_result(source: vec4<u32>, low: vec4<u32>, high: vec4<u32>) -> vec4<u32> {
    return pack(source, low, high);
}

fn mask(low: vec4<bool>, high: vec4<bool>) -> vec4<u32> {
    return hard_sigmoid_choose(vec4(0u), vec4(0xffffffffu), low);
}

fn is_nan_low(words: vec4<u32>) -> vec4<bool> {
    return hard_sigmoid_is_nan(words);
}

fn is_nan_high(words: vec4<u32>) -> vec4<bool> {
    return hard_sigmoid_is_nan(words);
}
