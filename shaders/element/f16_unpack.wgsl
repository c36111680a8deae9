// Converts f16 to f32 with unpack2x16float, which is one instruction on most GPUs. On the drivers that were checked, it
// is exact for numbers and infinities. They treat NaNs differently.

// Whether a NaN is widened to a NaN on every driver.
const WIDENS_NAN: bool = false;

fn widen_low(words: vec4<u32>) -> vec4<u32> {
    let low = vec4(
        unpack2x16float(words.x).x,
        unpack2x16float(words.y).x,
        unpack2x16float(words.z).x,
        unpack2x16float(words.w).x,
    );
    return bitcast<vec4<u32>>(low);
}

fn widen_high(words: vec4<u32>) -> vec4<u32> {
    let high = vec4(
        unpack2x16float(words.x).y,
        unpack2x16float(words.y).y,
        unpack2x16float(words.z).y,
        unpack2x16float(words.w).y,
    );
    return bitcast<vec4<u32>>(high);
}
