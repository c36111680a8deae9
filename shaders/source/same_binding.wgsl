// The source is in the target's binding: the same range, or another one that lies close to it.
//
// A source may end in the word, or the vector, in which its target begins. One thread then loads elements that another
// thread writes back unchanged.

fn source_unit(i: u32) -> Unit {
    return target_units[i];
}
