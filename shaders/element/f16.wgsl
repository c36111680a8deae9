// f16: two of them fill a word.

const PER_WORD: u32 = 2u;

// The bits of 1.
const ONE: u32 = 0x3c00u;

// The f32 of four f16, in integers: what drivers make of NaN and infinities when they unpack differs.
fn widen(h: vec4<u32>) -> vec4<u32> {
    let sign = (h & vec4(0x8000u)) << vec4(16u);
    let rest = h & vec4(0x7fffu);
    // A subnormal is an integer times 2^-24; as an f32 it is normal.
    let subnormal = bitcast<vec4<u32>>(vec4<f32>(rest) * 0x1p-24f);
    let normal = (rest << vec4(13u)) + (112u << 23u);
    let special = (rest << vec4(13u)) | vec4(0x7f800000u);
    return sign | select(select(normal, subnormal, rest < vec4(0x0400u)), special, rest >= vec4(0x7c00u));
}

// The f16 nearest to four f32, ties to even. A NaN must be quiet.
fn narrow(x: vec4<u32>) -> vec4<u32> {
    let sign = (x >> vec4(16u)) & vec4(0x8000u);
    let rest = x & vec4(0x7fffffffu);
    // The sum rounds to a multiple of 2^-24, the ULP of 1/2 and the least subnormal.
    let subnormal = bitcast<vec4<u32>>(bitcast<vec4<f32>>(rest) + 0.5) - 0x3f000000u;
    // 2^16 is past the largest f16 and becomes infinity.
    let finite = min(rest, vec4(0x47800000u));
    let odd = (finite >> vec4(13u)) & vec4(1u);
    let normal = ((finite + 0x0fffu + odd) >> vec4(13u)) - (112u << 10u);
    let special = vec4(0x7c00u) | ((rest >> vec4(13u)) & vec4(0x03ffu));
    return sign | select(select(normal, subnormal, rest < vec4(0x38800000u)), special, rest > vec4(0x7f800000u));
}
