// bf16, of which a word holds two.

const PER_WORD: u32 = 2u;

// The bits of 1.
const ONE: u32 = 0x3f80u;

// Converts four bf16 to f32.
fn widen(h: vec4<u32>) -> vec4<u32> {
    return h << vec4(16u);
}

// Rounds four f32 to the nearest bf16, ties to even. A NaN must be quiet.
fn narrow(x: vec4<u32>) -> vec4<u32> {
    let is_nan = (x & vec4(0x7fffffffu)) > vec4(0x7f800000u);
    let odd = (x >> vec4(16u)) & vec4(1u);
    return select(x + 0x7fffu + odd, x, is_nan) >> vec4(16u);
}
