// Converts f16 to f32 with integers, for drivers without unpack2x16float.

// Whether a NaN is widened to a NaN on every driver.
const WIDENS_NAN: bool = true;

fn widen_low(words: vec4<u32>) -> vec4<u32> {
    let sign = (words & vec4(0x8000u)) << vec4(16u);
    let rest = words & vec4(0x7fffu);
    // A subnormal f16 is an integer times 2^-24, which is a normal f32.
    let subnormal = bitcast<vec4<u32>>(vec4<f32>(rest) * 0x1p-24f);
    let normal = (rest << vec4(13u)) + (112u << 23u);
    let special = (rest << vec4(13u)) | vec4(0x7f800000u);
    let number = hard_sigmoid_choose(normal, subnormal, rest < vec4(0x0400u));
    return sign | hard_sigmoid_choose(number, special, rest >= vec4(0x7c00u));
}

fn widen_high(words: vec4<u32>) -> vec4<u32> {
    return widen_low(words >> vec4(16u));
}
