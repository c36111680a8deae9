// The types of number: how many fill a word, and what they are as f32.

const F16: u32 = 1u;
const BF16: u32 = 2u;

// F16 or BF16, two of which fill a word; anything else is f32.
override ELEMENT: u32;

fn per_word() -> u32 {
    return select(1u, 2u, ELEMENT == F16 || ELEMENT == BF16);
}

// The f32 of an f16, in integers: what drivers make of NaN and infinities when they unpack differs.
fn from_f16(h: u32) -> u32 {
    let sign = (h & 0x8000u) << 16u;
    let rest = h & 0x7fffu;
    // A subnormal is an integer times 2^-24; as an f32 it is normal.
    let subnormal = bitcast<u32>(f32(rest) * 0x1p-24f);
    let normal = (rest << 13u) + (112u << 23u);
    let special = (rest << 13u) | 0x7f800000u;
    return sign | select(select(normal, subnormal, rest < 0x0400u), special, rest >= 0x7c00u);
}

// The f16 nearest to an f32, ties to even. A NaN must be quiet.
fn to_f16(x: u32) -> u32 {
    let sign = (x >> 16u) & 0x8000u;
    let rest = x & 0x7fffffffu;
    // The sum rounds to a multiple of 2^-24, the ULP of 1/2 and the least subnormal.
    let subnormal = bitcast<u32>(bitcast<f32>(rest) + 0.5) - 0x3f000000u;
    // 2^16 is past the largest f16 and becomes infinity.
    let finite = min(rest, 0x47800000u);
    let normal = ((finite + 0x0fffu + ((finite >> 13u) & 1u)) >> 13u) - (112u << 10u);
    let special = 0x7c00u | ((rest >> 13u) & 0x03ffu);
    return sign | select(select(normal, subnormal, rest < 0x38800000u), special, rest > 0x7f800000u);
}

// The bf16 nearest to an f32, ties to even. A NaN must be quiet.
fn to_bf16(x: u32) -> u32 {
    let is_nan = (x & 0x7fffffffu) > 0x7f800000u;
    return select(x + 0x7fffu + ((x >> 16u) & 1u), x, is_nan) >> 16u;
}

fn widen(x: u32) -> u32 {
    if ELEMENT == F16 {
        return from_f16(x);
    }
    if ELEMENT == BF16 {
        return x << 16u;
    }
    return x;
}

fn narrow(x: u32) -> u32 {
    if ELEMENT == F16 {
        return to_f16(x);
    }
    if ELEMENT == BF16 {
        return to_bf16(x);
    }
    return x;
}
