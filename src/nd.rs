//! The CPU path for arrays of the crate [`ndarray`], of any shape and memory layout.
//!
//! The functions take references to `Array`, `ArrayView`, `ArcArray` and the like. Each result has the bits of
//! [`HardSigmoid::eval`] and [`Backward::eval`].
//!
//! Nothing is copied. What is contiguous, in whatever order of its axes (C, Fortran or another one, also backward along
//! an axis), goes to [`cpu`] as a slice. That uses vector instructions, and may use threads from
//! [`PARALLEL_MIN_BYTES`](cpu::PARALLEL_MIN_BYTES) on. Several arrays have to be in the same order for it. Blocks and
//! rows of other arrays go there as well, if they are contiguous. The rest is computed element by element by one
//! thread; for 16-bit types, a copy by `as_standard_layout` is then faster.
//!
//! ```
//! use hard_sigmoid::ndarray::{array, s};
//! use hard_sigmoid::{HardSigmoid, nd};
//!
//! let mut x = array![[-9.0_f32, 0.0, 1.25], [9.0, 2.5, -2.5]];
//! let y = nd::apply(HardSigmoid::ONNX, &x);
//! assert_eq!(y, array![[0.0, 0.5, 0.75], [1.0, 1.0, 0.0]]);
//!
//! // The last column only.
//! nd::apply_in_place(HardSigmoid::ONNX, &mut x.slice_mut(s![.., 2]));
//! assert_eq!(x, array![[-9.0, 0.0, 0.75], [9.0, 2.5, 0.0]]);
//! ```
//!
//! # On a GPU
//!
//! [`Gpu`](crate::Gpu) and [`Engine`](crate::Engine) take the slices of contiguous arrays, which
//! `as_slice_memory_order` gives. Two of them have to be in the same order, as an array and its clone are:
//!
//! ```
//! # #[cfg(feature = "wgpu")] {
//! use hard_sigmoid::ndarray::Array2;
//! use hard_sigmoid::{Backend, Engine, HardSigmoid};
//!
//! // In Fortran order, which is as good as any.
//! let x = Array2::<f32>::zeros((1000, 20)).reversed_axes();
//! let mut y = x.clone();
//! let mut engine = Engine::open_blocking(Backend::Auto, x.len() as u64)?;
//! if let Some(data) = y.as_slice_memory_order_mut() {
//!     engine.apply_in_place_blocking(HardSigmoid::ONNX, data)?;
//! }
//! assert_eq!(y[[19, 999]], 0.5);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use ::ndarray::{Array, ArrayRef, ArrayViewD, ArrayViewMutD, Axis, Dimension, IxDyn, ShapeBuilder, Zip};

use crate::error::LengthMismatch;
pub use crate::error::ShapeMismatch;
use crate::{Backward, Element, HardSigmoid, Saturation, cpu};

/// A block of an array is looked at by itself from so many elements on. As many are collected before they are counted.
const BLOCK: usize = 256;

/// Returns an array of the shape of `x` with the function of each element.
///
/// It has the memory order of `x` if that is contiguous, and C order otherwise.
#[must_use]
pub fn apply<T: Element, D: Dimension>(f: HardSigmoid, x: &ArrayRef<T, D>) -> Array<T, D> {
    let mut y = zeros_like(x);
    write(f, x, &mut y);
    y
}

/// Writes the function of each element of `x` to the same place in `y`.
///
/// # Errors
///
/// [`ShapeMismatch`] if the shapes differ; `y` is then left as it was. `x` is not broadcast.
pub fn apply_to<T: Element, D: Dimension>(
    f: HardSigmoid,
    x: &ArrayRef<T, D>,
    y: &mut ArrayRef<T, D>,
) -> Result<(), ShapeMismatch> {
    same_shape(x, y)?;
    write(f, x, y);
    Ok(())
}

/// Replaces each element of `data` by the function of it.
pub fn apply_in_place<T: Element, D: Dimension>(f: HardSigmoid, data: &mut ArrayRef<T, D>) {
    let coefficients = f.coefficients::<T>();
    each_part(
        [],
        data.view_mut().into_dyn(),
        &|[], data| {
            cpu::apply_in_place(f, data);
            Ok(())
        },
        &|[], mut data| data.map_inplace(|x| *x = coefficients.eval(*x)),
    );
}

/// Counts how many of the results for `x` are 0, 1, between them, and NaN, without writing them anywhere. An element
/// that a broadcast view repeats counts each time.
#[must_use]
pub fn saturation<T: Element, D: Dimension>(f: HardSigmoid, x: &ArrayRef<T, D>) -> Saturation {
    count(f, x.view().into_dyn())
}

fn count<T: Element>(f: HardSigmoid, x: ArrayViewD<'_, T>) -> Saturation {
    if let Some(x) = x.as_slice_memory_order() {
        return cpu::saturation(f, x);
    }
    if let Some(axis) = outer_axis(&x) {
        return x.axis_iter(axis).map(|part| count(f, part)).sum();
    }
    let (mut counts, mut piece, mut len) = (Saturation::default(), [T::zeroed(); BLOCK], 0);
    x.for_each(|&x| {
        if len == BLOCK {
            counts += cpu::saturation(f, &piece);
            len = 0;
        }
        if let Some(to) = piece.get_mut(len) {
            *to = x;
            len += 1;
        }
    });
    counts + cpu::saturation(f, piece.get(..len).unwrap_or_default())
}

/// Returns the gradient with respect to x of each element, from its gradient with respect to y in `grad_y` and from
/// `saved`, which holds x or y, as `backward` says.
///
/// It has the memory order of `grad_y` if that is contiguous, and C order otherwise.
///
/// # Errors
///
/// [`ShapeMismatch`] if the shapes differ. It calls `saved` the source and `grad_y` the target.
pub fn backward<T: Element, D: Dimension>(
    backward: Backward,
    saved: &ArrayRef<T, D>,
    grad_y: &ArrayRef<T, D>,
) -> Result<Array<T, D>, ShapeMismatch> {
    same_shape(saved, grad_y)?;
    let mut grad_x = zeros_like(grad_y);
    let coefficients = backward.coefficients::<T>();
    each_part(
        [saved, grad_y].map(|source| source.view().into_dyn()),
        grad_x.view_mut().into_dyn(),
        &|[saved, grad_y], grad_x| cpu::backward(backward, saved, grad_y, grad_x),
        &|[saved, grad_y], grad_x| {
            Zip::from(grad_x).and(saved).and(grad_y).for_each(|grad_x, &saved, &grad_y| {
                *grad_x = coefficients.eval(saved, grad_y);
            });
        },
    );
    Ok(grad_x)
}

/// [`backward`], in place: the gradient with respect to x replaces the one with respect to y in `grad`.
///
/// # Errors
///
/// [`ShapeMismatch`] if the shapes differ; `grad` is then left as it was. It calls `saved` the source and `grad` the
/// target.
pub fn backward_in_place<T: Element, D: Dimension>(
    backward: Backward,
    saved: &ArrayRef<T, D>,
    grad: &mut ArrayRef<T, D>,
) -> Result<(), ShapeMismatch> {
    same_shape(saved, grad)?;
    let coefficients = backward.coefficients::<T>();
    each_part(
        [saved.view().into_dyn()],
        grad.view_mut().into_dyn(),
        &|[saved], grad| cpu::backward_in_place(backward, saved, grad),
        &|[saved], grad| Zip::from(grad).and(saved).for_each(|grad, &saved| *grad = coefficients.eval(saved, *grad)),
    );
    Ok(())
}

fn write<T: Element, D: Dimension>(f: HardSigmoid, x: &ArrayRef<T, D>, y: &mut ArrayRef<T, D>) {
    let coefficients = f.coefficients::<T>();
    each_part([x.view().into_dyn()], y.view_mut().into_dyn(), &|[x], y| cpu::apply(f, x, y), &|[x], y| {
        Zip::from(y).and(x).for_each(|y, &x| *y = coefficients.eval(x));
    });
}

/// Zeros, in the memory order of `x` if it is contiguous, and in C order otherwise.
fn zeros_like<T: Element, D: Dimension>(x: &ArrayRef<T, D>) -> Array<T, D> {
    let mut strides = D::zeros(x.ndim());
    strides.slice_mut().iter_mut().zip(x.strides()).for_each(|(to, &from)| *to = from.cast_unsigned());
    let contiguous = x.as_slice_memory_order().map(|x| vec![T::zeroed(); x.len()]);
    contiguous
        .and_then(|zeros| Array::from_shape_vec(x.raw_dim().strides(strides), zeros).ok())
        .unwrap_or_else(|| Array::from_elem(x.raw_dim(), T::zeroed()))
}

/// Calls `slices` with the parts of arrays of one shape that are contiguous in the same order, and `others` with what
/// is left.
fn each_part<T: Element, const N: usize>(
    sources: [ArrayViewD<'_, T>; N],
    mut target: ArrayViewMutD<'_, T>,
    slices: &impl Fn([&[T]; N], &mut [T]) -> Result<(), LengthMismatch>,
    others: &impl Fn([ArrayViewD<'_, T>; N], ArrayViewMutD<'_, T>),
) {
    let same = sources.each_ref().map(|source| source.as_slice_memory_order().filter(|_| same_order(source, &target)));
    if same.iter().all(Option::is_some)
        && let Some(target) = target.as_slice_memory_order_mut()
        && slices(same.map(Option::unwrap_or_default), target).is_ok()
    {
        return;
    }
    // Otherwise no smaller part is in the same order.
    let same_rows = sources.iter().all(|source| inner_axis(source) == inner_axis(&target));
    let Some(axis) = outer_axis(&target).filter(|_| same_rows) else { return others(sources, target) };
    for (i, part) in target.axis_iter_mut(axis).enumerate() {
        each_part(sources.each_ref().map(|source| source.index_axis(axis, i)), part, slices, others);
    }
}

/// The axis with the longest steps of those that have large blocks between them. One that repeats a block comes first.
fn outer_axis<T>(array: &ArrayRef<T, IxDyn>) -> Option<Axis> {
    let axes = array.axes().filter(|axis| axis.len > 1 && array.len() / axis.len >= BLOCK);
    axes.max_by_key(|axis| (axis.stride == 0, axis.stride.abs())).map(|axis| axis.axis)
}

/// The axis with the shortest steps from one element to another.
fn inner_axis<T>(array: &ArrayRef<T, IxDyn>) -> Option<Axis> {
    let axes = array.axes().filter(|axis| axis.len > 1 && axis.stride != 0);
    axes.min_by_key(|axis| axis.stride.abs()).map(|axis| axis.axis)
}

/// Whether equal steps along an axis are equal steps in memory.
fn same_order<T, D: Dimension>(x: &ArrayRef<T, D>, y: &ArrayRef<T, D>) -> bool {
    // The stride of an axis of one element says nothing.
    x.shape().iter().zip(x.strides()).zip(y.strides()).all(|((&len, x), y)| len <= 1 || x == y)
}

fn same_shape<T, D: Dimension>(source: &ArrayRef<T, D>, target: &ArrayRef<T, D>) -> Result<(), ShapeMismatch> {
    let [source_shape, target_shape] = [source, target].map(|array| array.shape().to_vec());
    if source_shape == target_shape { Ok(()) } else { Err(ShapeMismatch { source_shape, target_shape }) }
}
