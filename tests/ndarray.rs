//! `nd`: arrays of ndarray in every memory layout.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fmt::Debug;

use hard_sigmoid::half::{bf16, f16};
use hard_sigmoid::{Element, HardSigmoid, cpu, nd};
use ndarray::{Array, ArrayD, ArrayRef, ArrayViewMutD, Axis, Dimension, IxDyn, ShapeBuilder, Slice, arr0, array, s};

const F: HardSigmoid = HardSigmoid::ONNX;

/// Half a row is more than what is looked at by itself, and than what is counted at a time. Few rows are not.
const SHAPE: [usize; 3] = [5, 7, 1100];

/// What the tests require of an element type.
trait Number: Element + Debug {
    /// The error of a result between 0 and 1.
    const ERROR: f64;

    fn of(x: f64) -> Self;

    fn exact(self) -> f64;
}

impl Number for f32 {
    const ERROR: f64 = 3e-7;

    fn of(x: f64) -> Self {
        x as Self
    }

    fn exact(self) -> f64 {
        self.into()
    }
}

impl Number for f64 {
    const ERROR: Self = 1e-15;

    fn of(x: f64) -> Self {
        x
    }

    fn exact(self) -> f64 {
        self
    }
}

impl Number for f16 {
    const ERROR: f64 = 3e-4;

    fn of(x: f64) -> Self {
        Self::from_f64(x)
    }

    fn exact(self) -> f64 {
        self.into()
    }
}

impl Number for bf16 {
    const ERROR: f64 = 2.5e-3;

    fn of(x: f64) -> Self {
        Self::from_f64(x)
    }

    fn exact(self) -> f64 {
        self.into()
    }
}

/// No two neighbours are equal along any axis.
fn numbers<T: Number>() -> ArrayD<T> {
    let special = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, 2.5, -2.5];
    let number = |i: usize| *special.get(i % 23).unwrap_or(&((i * 7919 % 1000) as f64 / 125.0 - 4.0));
    Array::from_shape_vec(IxDyn(&SHAPE), (0..SHAPE.iter().product()).map(|i| T::of(number(i))).collect()).unwrap()
}

/// The gradients with respect to y that go with an array.
fn gradients<T: Number>(x: &ArrayD<T>) -> ArrayD<T> {
    let mut i = 0;
    x.map(|_| {
        i += 1;
        T::of(f64::from(i % 37) / 4.0 - 3.0)
    })
}

/// A part of an array, or its axes in another order.
type View<T> = for<'a> fn(ArrayViewMutD<'a, T>) -> ArrayViewMutD<'a, T>;

fn part<T>(mut view: ArrayViewMutD<'_, T>, axis: usize, part: Slice) -> ArrayViewMutD<'_, T> {
    view.slice_axis_inplace(Axis(axis), part);
    view
}

fn inverted<T>(mut view: ArrayViewMutD<'_, T>, axis: usize) -> ArrayViewMutD<'_, T> {
    view.invert_axis(Axis(axis));
    view
}

/// Names, whether the views are contiguous in any order, and the views.
fn views<T>() -> Vec<(&'static str, bool, View<T>)> {
    vec![
        ("C", true, |x| x),
        ("Fortran", true, |x| x.reversed_axes()),
        ("permuted", true, |x| x.permuted_axes(IxDyn(&[1, 2, 0]))),
        ("inverted", true, |x| inverted(x, 2)),
        ("inverted twice and permuted", true, |x| inverted(inverted(x, 0), 1).permuted_axes(IxDyn(&[2, 0, 1]))),
        ("the first of an axis", true, |x| part(x, 0, Slice::from(1..4))),
        ("an axis of one element", false, |x| part(x, 1, Slice::from(4..5))),
        ("a single element", true, |x| (0..3).fold(x, |x, axis| part(x, axis, Slice::from(4..5)))),
        ("the middle of rows", false, |x| part(x, 2, Slice::new(1, Some(-1), 1))),
        ("every second element", false, |x| part(x, 2, Slice::new(1, None, 2))),
        ("every third row, backward", false, |x| part(x, 1, Slice::new(0, None, -3))),
        ("steps, permuted", false, |x| {
            part(part(x, 0, Slice::new(0, None, 2)), 1, Slice::new(0, None, -2)).reversed_axes()
        }),
        ("a row", true, |x| x.index_axis_move(Axis(0), 3).index_axis_move(Axis(0), 4)),
        ("a column", false, |x| x.index_axis_move(Axis(2), 3).index_axis_move(Axis(0), 4)),
        ("a point", true, |x| x.index_axis_move(Axis(0), 1).index_axis_move(Axis(0), 1).index_axis_move(Axis(0), 1)),
        ("nothing", true, |x| part(x, 0, Slice::from(4..4))),
        ("nothing, in steps", false, |x| part(part(x, 2, Slice::new(0, None, 2)), 1, Slice::from(4..4))),
    ]
}

/// The elements in logical order.
fn elements<T: Number, D: Dimension>(x: &ArrayRef<T, D>) -> Vec<T> {
    x.iter().copied().collect()
}

#[track_caller]
fn assert_bits<T: Number>(got: &[T], expected: &[T], case: &dyn Debug) {
    assert_eq!(got.len(), expected.len(), "{case:?}");
    for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
        assert!(bytemuck::bytes_of(got) == bytemuck::bytes_of(expected), "{case:?} {i}: {got:?} {expected:?}");
    }
}

/// Compares with the definitions, in f64 arithmetic.
fn assert_near<T: Number>(x: &[T], grad_y: &[T], y: &[T], grad_x: &[T], case: &dyn Debug) {
    for (((x, grad_y), y), grad_x) in x.iter().zip(grad_y).zip(y).zip(grad_x) {
        let (line, case) = (x.exact() * 0.2 + 0.5, (case, x));
        assert!(
            (y.exact() - line.clamp(0.0, 1.0)).abs() <= T::ERROR || line.is_nan() && y.exact().is_nan(),
            "{case:?}"
        );
        let slope = if line > 0.0 && line < 1.0 { 0.2 } else { 0.0 };
        let expected = slope * grad_y.exact();
        assert!((grad_x.exact() - expected).abs() <= expected.abs() * 4.0 * T::ERROR, "{case:?} {grad_x:?}");
    }
}

/// Arrays of a shape in several orders, one of them with gaps.
fn targets<T: Number>(shape: &[usize]) -> Vec<(&'static str, ArrayD<T>, View<T>)> {
    let wrong = T::of(9.0);
    let mut wide = IxDyn(shape);
    wide.slice_mut().iter_mut().for_each(|len| *len = *len * 2 + 1);
    vec![
        ("to C", ArrayD::from_elem(shape, wrong), |y| y),
        ("to Fortran", ArrayD::from_elem(IxDyn(shape).f(), wrong), |y| y),
        ("to an inverted one", ArrayD::from_elem(shape, wrong), |y| if y.ndim() > 0 { inverted(y, 0) } else { y }),
        ("to one with gaps", ArrayD::from_elem(wide, wrong), |y| {
            (0..y.ndim()).fold(y, |y, axis| part(y, axis, Slice::new(1, None, 2)))
        }),
    ]
}

fn every_layout<T: Number>() {
    let (backward, numbers) = (F.backward(), numbers::<T>());
    for (name, contiguous, view) in views::<T>() {
        let case = (T::NAME, name);
        let (mut x_array, mut grad_array) = (numbers.clone(), gradients(&numbers));
        let (x, grad_y) = (view(x_array.view_mut()), view(grad_array.view_mut()));
        assert!(x.as_slice_memory_order().is_some() == contiguous || x.is_empty(), "{case:?}");

        // By definition, and from copies in logical order.
        let (flat_x, flat_grad_y) = (elements(&x), elements(&grad_y));
        let (mut y, mut grad_x) = (flat_x.clone(), flat_x.clone());
        cpu::apply(F, &flat_x, &mut y).unwrap();
        cpu::backward(backward, &flat_x, &flat_grad_y, &mut grad_x).unwrap();
        assert_near(&flat_x, &flat_grad_y, &y, &grad_x, &case);

        let applied = nd::apply(F, &x);
        assert_bits(&elements(&applied), &y, &case);
        let c_order = Array::from_shape_vec(x.raw_dim(), flat_grad_y.clone()).unwrap();
        let order = if contiguous { x.strides() } else { c_order.strides() };
        let has_order = |array: &ArrayD<T>| array.shape() == x.shape() && array.strides() == order;
        assert!(x.is_empty() || has_order(&applied), "{case:?} {:?} {order:?}", applied.strides());
        assert_eq!(nd::saturation(F, &x), cpu::saturation(F, &flat_x), "{case:?}");
        let gradient = nd::backward(backward, &x, &grad_y).unwrap();
        assert_bits(&elements(&gradient), &grad_x, &case);
        assert!(x.is_empty() || has_order(&gradient), "{case:?}");
        // In different orders.
        assert_bits(&elements(&nd::backward(backward, &x, &c_order).unwrap()), &grad_x, &case);

        for (to, mut array, part) in targets::<T>(x.shape()) {
            let mut expected = array.clone();
            nd::apply_to(F, &x, &mut part(array.view_mut())).unwrap();
            part(expected.view_mut()).iter_mut().zip(&y).for_each(|(to, y)| *to = *y);
            assert_bits(&elements(&array), &elements(&expected), &(case, to));

            part(array.view_mut()).assign(&grad_y);
            nd::backward_in_place(backward, &x, &mut part(array.view_mut())).unwrap();
            part(expected.view_mut()).iter_mut().zip(&grad_x).for_each(|(to, grad)| *to = *grad);
            assert_bits(&elements(&array), &elements(&expected), &(case, to));
        }

        // What is not in the view stays.
        let mut expected = numbers.clone();
        view(expected.view_mut()).iter_mut().zip(&y).for_each(|(to, y)| *to = *y);
        nd::apply_in_place(F, &mut view(x_array.view_mut()));
        assert_bits(&elements(&x_array), &elements(&expected), &case);
    }
}

#[test]
fn every_layout_has_the_results_of_a_contiguous_copy() {
    every_layout::<f32>();
    every_layout::<f64>();
    every_layout::<f16>();
    every_layout::<bf16>();
}

#[test]
fn broadcast_views_repeat_elements() {
    let row = array![-9.0_f32, -1.25, 1.25, 9.0];
    let x = row.broadcast((700, 3, 4)).unwrap();
    let y = nd::apply(F, &x);
    assert_eq!(y, array![0.0, 0.25, 0.75, 1.0].broadcast((700, 3, 4)).unwrap());
    assert!(y.is_standard_layout());
    let counts = nd::saturation(F, &x);
    assert_eq!((counts.zero, counts.inside, counts.one, counts.nan), (2100, 4200, 2100, 0));

    let point = arr0(1.25_f32);
    assert_eq!(nd::apply(F, &point.broadcast((2, 2)).unwrap()), array![[0.75, 0.75], [0.75, 0.75]]);
    assert_eq!(nd::saturation(F, &point.broadcast((0, 5)).unwrap()).total(), 0);
    let mut grad = array![[1.0, 2.0], [3.0, 4.0]].reversed_axes();
    nd::backward_in_place(F.backward(), &point.broadcast((2, 2)).unwrap(), &mut grad).unwrap();
    assert_eq!(grad, array![[0.2, 0.6], [0.4, 0.8]]);
}

#[test]
fn shared_arrays_are_unshared_where_they_are_written() {
    let mut x = array![[0.0_f64, 9.0], [1.25, -9.0]].into_shared();
    let other = x.clone();
    nd::apply_in_place(F, &mut x);
    assert_eq!(x, array![[0.5, 1.0], [0.75, 0.0]]);
    assert_eq!(other, array![[0.0, 9.0], [1.25, -9.0]]);
}

#[test]
fn other_shapes_are_refused_and_nothing_is_written() {
    let x = Array::from_elem((2, 3), 0.0_f32);
    let mut y = Array::from_elem((3, 2), 9.0_f32);
    let error = nd::apply_to(F, &x, &mut y).unwrap_err();
    assert_eq!((&error.source_shape[..], &error.target_shape[..]), (&[2, 3][..], &[3, 2][..]));
    assert!(error.to_string().contains("[2, 3]") && error.to_string().contains("[3, 2]"), "{error}");
    nd::backward_in_place(F.backward(), &x, &mut y).unwrap_err();
    nd::backward(F.backward(), &x, &y).unwrap_err();
    // Neither a number of axes nor an axis of one element is broadcast.
    let mut y = y.into_dyn();
    nd::apply_to(F, &array![0.0_f32, 0.0].into_dyn(), &mut y).unwrap_err();
    nd::apply_to(F, &array![[0.0_f32, 0.0]].into_dyn(), &mut y).unwrap_err();
    assert!(y.iter().all(|&y| y == 9.0));
}

/// Counts what a thread allocates.
mod counting {
    #![allow(unsafe_code, reason = "an allocator")]

    use std::alloc::{GlobalAlloc, Layout, System};
    use std::cell::Cell;

    struct Counting;

    #[global_allocator]
    static ALLOCATOR: Counting = Counting;

    thread_local! {
        static BYTES: Cell<usize> = const { Cell::new(0) };
    }

    // SAFETY: the calls are passed on to the allocator of the system. Counting does not allocate.
    unsafe impl GlobalAlloc for Counting {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            BYTES.set(BYTES.get() + layout.size());
            // SAFETY: as of the caller.
            unsafe { System.alloc(layout) }
        }

        unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
            // SAFETY: as of the caller.
            unsafe { System.dealloc(pointer, layout) }
        }
    }

    /// The bytes that a call allocates.
    pub(super) fn allocated(call: impl FnOnce()) -> usize {
        let before = BYTES.get();
        call();
        BYTES.get() - before
    }
}

#[test]
fn nothing_is_copied() {
    const LITTLE: usize = 64 << 10;
    let mut x = Array::from_elem((1000, 1000), 1.25_f32);
    let (mut y, grad_y) = (x.clone(), x.clone());
    let (x_bytes, backward) = (x.len() * size_of::<f32>(), F.backward());
    // The thread pool starts.
    nd::apply_in_place(F, &mut y);
    let check = |mut x: ndarray::ArrayViewMut2<'_, f32>,
                 mut y: ndarray::ArrayViewMut2<'_, f32>,
                 grad_y: &ndarray::ArrayView2<'_, f32>| {
        let bytes = x.len() * size_of::<f32>();
        assert!(x_bytes / 2 < bytes + LITTLE);
        assert!(counting::allocated(|| nd::apply_to(F, &x, &mut y).unwrap()) < LITTLE);
        assert!(counting::allocated(|| _ = nd::saturation(F, &x)) < LITTLE);
        assert!(counting::allocated(|| nd::backward_in_place(backward, &x, &mut y).unwrap()) < LITTLE);
        assert!((bytes..bytes + LITTLE).contains(&counting::allocated(|| drop(nd::apply(F, &x)))));
        assert!(
            (bytes..bytes + LITTLE)
                .contains(&counting::allocated(|| drop(nd::backward(backward, &x, grad_y).unwrap())))
        );
        assert!(counting::allocated(|| nd::apply_in_place(F, &mut x)) < LITTLE);
    };
    check(x.view_mut(), y.view_mut(), &grad_y.view());
    check(x.view_mut().reversed_axes(), y.view_mut().reversed_axes(), &grad_y.t());
    // Not even what is not contiguous is.
    let half = s![.., ..;2];
    check(x.slice_mut(half), y.slice_mut(half), &grad_y.slice(half));
}
