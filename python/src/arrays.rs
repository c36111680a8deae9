//! The memory of NumPy arrays.

#![allow(unsafe_code, reason = "NumPy has a C interface")]

use std::ops::Range;
use std::sync::atomic::{AtomicI32, Ordering};

use hard_sigmoid::{Dtype, Element};
use numpy::npyffi::{NPY_ORDER, NPY_TYPES, PY_ARRAY_API, flags};
use numpy::{PyArrayDescr, PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::prelude::*;

/// The type of the elements. None if it is another type, or not in native byte order.
fn dtype(descr: &Bound<'_, PyArrayDescr>) -> PyResult<Option<Dtype>> {
    const F16: i32 = NPY_TYPES::NPY_HALF as i32;
    const F32: i32 = NPY_TYPES::NPY_FLOAT as i32;
    const F64: i32 = NPY_TYPES::NPY_DOUBLE as i32;
    let dtype = match descr.num() {
        F16 => Dtype::F16,
        F32 => Dtype::F32,
        F64 => Dtype::F64,
        num if num >= NPY_TYPES::NPY_USERDEF as i32 && bfloat16(descr.py())? == Some(num) => Dtype::Bf16,
        _ => return Ok(None),
    };
    Ok(Some(dtype).filter(|_| descr.is_native_byteorder() != Some(false)))
}

/// The number under which NumPy knows the bfloat16 of `ml_dtypes`. None if that is not imported, so that no array can
/// have its types.
fn bfloat16(py: Python<'_>) -> PyResult<Option<i32>> {
    // Not a cell with a lock, which a fork could leave locked.
    static NUMBER: AtomicI32 = AtomicI32::new(0);
    let known = NUMBER.load(Ordering::Relaxed);
    if known != 0 {
        return Ok(Some(known));
    }
    let modules = py.import("sys")?.getattr("modules")?;
    let Ok(bfloat16) = modules.get_item("ml_dtypes").and_then(|module| module.getattr("bfloat16")) else {
        return Ok(None);
    };
    let number = PyArrayDescr::new(py, bfloat16)?.num();
    NUMBER.store(number, Ordering::Relaxed);
    Ok(Some(number))
}

/// An array whose elements are contiguous, aligned and in native byte order. Its class is `numpy.ndarray` itself.
pub(crate) struct Flat<'a, 'py> {
    array: &'a Bound<'py, PyUntypedArray>,
    pub(crate) dtype: Dtype,
    address: usize,
    len: usize,
}

impl<'a, 'py> Flat<'a, 'py> {
    /// None if `x` is something else.
    pub(crate) fn of(x: &'a Bound<'py, PyAny>) -> PyResult<Option<Self>> {
        let py = x.py();
        if !x.get_type().is(py.get_type::<PyUntypedArray>()) {
            return Ok(None);
        }
        let array = x.cast::<PyUntypedArray>()?;
        if !array.is_contiguous() || !array.is_aligned() {
            return Ok(None);
        }
        let Some(dtype) = dtype(&array.dtype())? else { return Ok(None) };
        // SAFETY: it is an array.
        let address = unsafe { (*array.as_array_ptr()).fields.data } as usize;
        Ok(Some(Self { array, dtype, address, len: array.len() }))
    }

    /// None if `x` is something else or read-only.
    pub(crate) fn writeable(x: &'a Bound<'py, PyAny>) -> PyResult<Option<Self>> {
        let flat = Self::of(x)?;
        // SAFETY: it is an array.
        Ok(flat.filter(|flat| unsafe { (*flat.array.as_array_ptr()).fields.flags } & flags::NPY_ARRAY_WRITEABLE != 0))
    }

    pub(crate) fn py(&self) -> Python<'py> {
        self.array.py()
    }

    /// Whether both have one type, one shape and one order of elements in memory.
    pub(crate) fn matches(&self, other: &Self) -> bool {
        let (a, b) = (self.array, other.array);
        self.dtype == other.dtype
            && a.shape() == b.shape()
            && (a.is_c_contiguous() && b.is_c_contiguous() || a.is_fortran_contiguous() && b.is_fortran_contiguous())
    }

    pub(crate) fn is_at(&self, other: &Self) -> bool {
        self.address == other.address
    }

    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        let (a, b) = (self.bytes(), other.bytes());
        a.start < b.end && b.start < a.end
    }

    fn bytes(&self) -> Range<usize> {
        self.address..self.address + self.len * self.dtype.size() as usize
    }

    /// A new array of this shape and memory order.
    pub(crate) fn new_like(&self) -> PyResult<Bound<'py, PyAny>> {
        let py = self.array.py();
        let (prototype, order) = (self.array.as_array_ptr(), NPY_ORDER::NPY_KEEPORDER);
        // SAFETY: the prototype is an array. A null pointer stands for its type. The result is a new reference, or
        // null after an error.
        unsafe {
            let new = PY_ARRAY_API.PyArray_NewLikeArray(py, prototype, order, std::ptr::null_mut(), 0);
            Bound::from_owned_ptr_or_err(py, new)
        }
    }

    /// The elements.
    ///
    /// # Safety
    ///
    /// `T` is the type of `dtype`. The array lives as long as the slice is used, and no slice of [`elements_mut`]
    /// overlaps this one. Another thread of Python may write the array meanwhile, as with any function of NumPy; then
    /// the results are arbitrary.
    #[allow(clippy::missing_const_for_fn, reason = "it reads memory of Python")]
    pub(crate) unsafe fn elements<'b, T: Element>(&self) -> &'b [T] {
        // NumPy calls every empty array aligned.
        if self.len == 0 {
            return &[];
        }
        // SAFETY: the array is contiguous and aligned, and the rest is up to the caller.
        unsafe { std::slice::from_raw_parts(self.address as *const T, self.len) }
    }

    /// The elements, to be written.
    ///
    /// # Safety
    ///
    /// As `elements`, and the array is writeable.
    pub(crate) unsafe fn elements_mut<'b, T: Element>(&self) -> &'b mut [T] {
        if self.len == 0 {
            return &mut [];
        }
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts_mut(self.address as *mut T, self.len) }
    }
}

/// A number in place of an array without dimensions, as functions of NumPy return.
pub(crate) fn returned(array: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    let py = array.py();
    // SAFETY: it takes an array, and returns a new reference, or null after an error.
    unsafe { Bound::from_owned_ptr_or_err(py, PY_ARRAY_API.PyArray_Return(py, array.into_ptr().cast())) }
}
