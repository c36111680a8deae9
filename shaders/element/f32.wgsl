// f32, of which a word holds one.

const PER_WORD: u32 = 1u;

// The bits of 1.
const ONE: u32 = 0x3f800000u;

fn widen(x: vec4<u32>) -> vec4<u32> {
    return x;
}

fn narrow(x: vec4<u32>) -> vec4<u32> {
    return x;
}
