//! Values without a native form. `unified_logger.values.convert` decides what they become.

use pyo3::ffi;
use pyo3::prelude::*;

use crate::interpreter::ending;
use crate::interpreter::gil::Gil;
use crate::interpreter::interrupt;
use crate::interpreter::made::{self, OrGiveUp};
use crate::value::asked;
use crate::value::shown::{describe, named};

static CONVERTER: Gil<Option<Py<PyAny>>> = Gil::new(None);

/// Sets the function that turns values without a native form into ones that have it.
#[pyfunction]
pub fn set_converter(function: Bound<'_, PyAny>) {
    let py = function.py();
    drop(CONVERTER.replace(py, Some(function.unbind())));
}

/// What `object` becomes, or the reason why it cannot be converted.
///
/// # Safety
/// `object` is alive, and the interpreter is attached.
pub unsafe fn convert<'py>(py: Python<'py>, object: *mut ffi::PyObject) -> Result<Bound<'py, PyAny>, String> {
    if ending::is_here(py) {
        return Err("the interpreter is ending".into());
    }
    let _inside = ending::Inside::enter();
    // SAFETY: promised by the caller; the converter is looked at and counted only.
    let (object, converter) = unsafe {
        let converter = (*CONVERTER.get(py)).as_ref().map(|converter| converter.clone_ref(py));
        (Bound::from_borrowed_ptr(py, object), converter)
    };
    if asked::is_asked_twice(&object) {
        return Ok(made::text(py, &named(&object)).or_give_up().into_any());
    }
    let _asking = asked::Asking::one(&object);
    let converted = match converter {
        Some(converter) => converter.bind(py).call1((&object,)),
        None => object.repr().map(Bound::into_any),
    };
    converted.map_err(|error| {
        interrupt::hold(py, &error);
        describe(py, &error)
    })
}
