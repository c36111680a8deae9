// f16, of which a word holds two.

const PER_WORD: u32 = 2u;

// The bits of 1.
const ONE: u32 = 0x3c00u;

// Converts four f16 to f32. Does not use unpack2x16float, because drivers treat NaNs and infinities differently.
fn widen(h: vec4<u32>) -> vec4<u32> {
    let sign = (h & vec4(0x8000u)) << vec4(16u);
    let rest = h & vec4(0x7fffu);
    // A subnormal f16 is an integer times 2^-24, which is a normal f32.
    let subnormal = bitcast<vec4<u32>>(vec4<f32>(rest) * 0x1p-24f);
    let normal = (rest << vec4(13u)) + (112u << 23u);
    let special = (rest << vec4(13u)) | vec4(0x7f800000u);
    return sign | select(select(normal, subnormal, rest < vec4(0x0400u)), special, rest >= vec4(0x7c00u));
}

// Rounds four f32 to the nearest f16, ties to even. A NaN must be quiet.
fn narrow(x: vec4<u32>) -> vec4<u32> {
    let sign = (x >> vec4(16u)) & vec4(0x8000u);
    let rest = x & vec4(0x7fffffffu);
    // The sum is rounded to a multiple of 2^-24, which is the ULP of 0.5 and the smallest subnormal f16.
    let subnormal = bitcast<vec4<u32>>(bitcast<vec4<f32>>(rest) + 0.5) - 0x3f000000u;
    // 2^16 is greater than the largest f16 and becomes infinity.
    let finite = min(rest, vec4(0x47800000u));
    let odd = (finite >> vec4(13u)) & vec4(1u);
    let normal = ((finite + 0x0fffu + odd) >> vec4(13u)) - (112u << 10u);
    let special = vec4(0x7c00u) | ((rest >> vec4(13u)) & vec4(0x03ffu));
    return sign | select(select(normal, subnormal, rest < vec4(0x38800000u)), special, rest > vec4(0x7f800000u));
}
