// Counts how many results are 0, 1, between them, and NaN: alone, or while the function is applied.
//
// Each thread adds its counts to those of its workgroup, which are added to the counters once.

// Four u64 as pairs of a low and a high word: zero, one, inside, nan.
@group(0) @binding(5) var<storage, read_write> counters: array<atomic<u32>, 8>;

// The counts of a workgroup. Two in a word, since it has fewer than 2^16 elements: zero and one, then inside and nan.
// Even threads add to the first of each pair and odd ones to the second: if all threads added to one word, drivers
// would add up each subgroup before, which takes more instructions.
var<workgroup> saturated: array<atomic<u32>, 2>;
var<workgroup> others: array<atomic<u32>, 2>;

// The bits of 0.5, which is neither 0 nor 1.
const HALF: u32 = 0x3f000000u;

const ALL: vec4<u32> = vec4(0xffffffffu);

// Adds to counts of 0, 1 and NaN the results for those elements of the source whose bits are set in `present`.
fn count(counts: vec3<u32>, source: vec4<u32>, present: vec4<u32>) -> vec3<u32> {
    let counted = count_elements(counts, low_results(source), is_nan_low(source), present & vec4(1u));
    if PER_WORD == 1u {
        return counted;
    }
    return count_elements(counted, high_results(source), is_nan_high(source), present >> vec4(31u));
}

// `one` is 1 for each element to be counted, and 0 for others.
fn count_elements(counts: vec3<u32>, y: vec4<u32>, is_nan: vec4<bool>, one: vec4<u32>) -> vec3<u32> {
    let number = hard_sigmoid_choose(y, vec4(HALF), is_nan);
    let zeros = hard_sigmoid_choose(vec4(0u), one, number <= vec4(ROUNDS_TO_0));
    let ones = hard_sigmoid_choose(vec4(0u), one, number >= vec4(ROUNDS_TO_1));
    let nans = hard_sigmoid_choose(vec4(0u), one, is_nan);
    return vec3(
        counts.x + zeros.x + zeros.y + zeros.z + zeros.w,
        counts.y + ones.x + ones.y + ones.z + ones.w,
        counts.z + nans.x + nans.y + nans.z + nans.w,
    );
}

// Adds the counts of a thread, which are of `all` elements.
fn add_up(thread: u32, counts: vec3<u32>, all: u32) {
    let parity = thread % 2u;
    if thread < 2u {
        atomicStore(&saturated[parity], 0u);
        atomicStore(&others[parity], 0u);
    }
    workgroupBarrier();
    atomicAdd(&saturated[parity], counts.x | (counts.y << 16u));
    atomicAdd(&others[parity], (all - counts.x - counts.y - counts.z) | (counts.z << 16u));
    workgroupBarrier();
    if thread < 4u {
        let pair = select(
            atomicLoad(&others[0]) + atomicLoad(&others[1]),
            atomicLoad(&saturated[0]) + atomicLoad(&saturated[1]),
            thread < 2u,
        );
        let n = (pair >> (parity * 16u)) & 0xffffu;
        // Whoever makes the low word wrap carries into the high one.
        if n > 0u && atomicAdd(&counters[thread * 2u], n) > ~n {
            atomicAdd(&counters[thread * 2u + 1u], 1u);
        }
    }
}
