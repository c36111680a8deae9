// One dispatch: computes a range of target elements from source elements of the same number.
//
// The host joins whole files into one module: hard_sigmoid.wgsl, then one to three of element/ (how elements lie in
// words), one of source/ (where the source lies) and of operand/ (where a second operand lies), one or two of op/ (what
// is computed), one of entry/ (what a thread writes, and the entry points), two of extent/ (how many rows there are,
// and how many elements in them), and this one. Counting adds two of count/.

struct Dispatch {
    // The first source and target element within their bindings, and how many there are.
    source_first: u32,
    target_first: u32,
    len: u32,
    // Elements before the first vector.
    head: u32,
    // How many workgroups write four vectors a thread. In the others, a thread writes a word, or a vector at the ends.
    vector_groups: u32,
    // If a buffer says how many elements there are: how many of the range come before this dispatch, how many of the
    // source must follow those of the vectors, and which word of the buffer's binding it is.
    before: u32,
    behind: u32,
    length_at: u32,
    // Elements from the start of a row to that of the next one.
    source_pitch: u32,
    target_pitch: u32,
}

// Threads in a workgroup.
override WORKGROUP: u32;

@group(0) @binding(1) var<uniform> dispatch: Dispatch;
@group(0) @binding(3) var<storage, read_write> target_units: array<Unit>;

// The source of the word that begins with `element`.
fn joined_source(element: u32) -> u32 {
    return join(source_element(element), source_element(element + 1u));
}

// Its second operand, if `old` is what the target holds.
fn joined_operand(element: u32, old: u32) -> u32 {
    if OPERAND_IS_TARGET || !HAS_OPERAND {
        return old;
    }
    return join(operand_element(element), operand_element(element + 1u));
}

fn in_range(element: u32) -> bool {
    return element - target_first() < len();
}

// The source of a target element, in the low bits; 0 outside of the range. The high bits may hold its neighbour.
fn source_element(element: u32) -> u32 {
    if !in_range(element) {
        return 0u;
    }
    let at = element - target_first() + source_first();
    let word = at / PER_WORD;
    return word_of(source_unit(word / UNIT_WORDS), word) >> (16u * (at % PER_WORD));
}

// The same of an operand that lies where the source does.
fn operand_element(element: u32) -> u32 {
    if !in_range(element) {
        return 0u;
    }
    let at = element - target_first() + source_first();
    let word = at / PER_WORD;
    return word_of(operand_unit(word / UNIT_WORDS), word) >> (16u * (at % PER_WORD));
}

// The word of two elements that are in the low bits, or of one.
fn join(low: u32, high: u32) -> u32 {
    return select(low, (low & 0xffffu) | (high << 16u), PER_WORD == 2u);
}

// The bits of those elements of a word that are in the range.
fn present(element: u32) -> u32 {
    return mask(vec4(in_range(element)), vec4(in_range(element + PER_WORD - 1u))).x;
}
