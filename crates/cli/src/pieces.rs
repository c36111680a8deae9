//! Sections, a piece at a time.

use hard_sigmoid::{Element, Engine, engine::ExecutedOn};
use hard_sigmoid_files::{Data, Section};

use super::console::Failure;

/// A piece that stays in the core's own cache is faster than a larger one that is worth a second thread. That is so for
/// as many elements of f64, too.
pub(crate) const CPU_ELEMENTS: usize = 1 << 15;

/// Several windows of a transfer.
const GPU_ELEMENTS: usize = 1 << 22;

/// How many elements of `T` an engine is best given at once.
pub(crate) fn elements<T: Element>(engine: &Engine) -> usize {
    if matches!(engine.executed_on_for::<T>(), ExecutedOn::Gpu { .. }) { GPU_ELEMENTS } else { CPU_ELEMENTS }
}

/// Reads sections of one length, up to `most` elements of each at a time, and calls `work` with these. `work` is also
/// given the data of the last section, for its errors to name.
pub(crate) fn each<T: bytemuck::Pod, const N: usize>(
    most: usize,
    sections: [&Section<'_>; N],
    mut data: [&mut Data<'_>; N],
    mut work: impl FnMut(&Data<'_>, &mut [Vec<T>; N]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut left = sections.first().map_or(0, |section| section.bytes).checked_div(size_of::<T>() as u64).unwrap_or(0);
    let mut pieces = [(); N].map(|()| Vec::new());
    while left > 0 {
        let len = usize::try_from(left).map_or(most, |left| left.min(most));
        for ((piece, data), section) in pieces.iter_mut().zip(&mut data).zip(sections) {
            piece.resize(len, T::zeroed());
            data.read(section, piece)?;
        }
        if let Some(last) = data.last() {
            work(last, &mut pieces)?;
        }
        left = left.saturating_sub(len as u64);
    }
    Ok(())
}
