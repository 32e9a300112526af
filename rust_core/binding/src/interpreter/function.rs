//! A native function that stands for a Python function. Called as a method of its class, it runs native code. Its
//! attributes and its class are those of the Python function.

use std::ffi::{c_char, c_int, c_uint};
use std::mem::offset_of;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyType;

use super::gil::Gil;
use super::method::Call;

#[repr(C)]
struct Function {
    head: ffi::PyObject,
    vectorcall: ffi::vectorcallfunc,
    call: Call,
    /// The class that has it, which it keeps.
    class: *mut ffi::PyTypeObject,
    /// The function that it stands for, which it keeps.
    original: *mut ffi::PyObject,
}

static CLASS: Gil<Option<Py<PyType>>> = Gil::new(None);

type Vectorcall = unsafe extern "C-unwind" fn(
    *mut ffi::PyObject,
    *const *mut ffi::PyObject,
    usize,
    *mut ffi::PyObject,
) -> *mut ffi::PyObject;

/// Makes a function for a class. It is never freed: code that holds it may call it at any time.
pub fn new<'py>(class: &Bound<'py, PyType>, call: Call, original: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = class.py();
    let own = match CLASS.held(py) {
        Some(own) => own,
        None => {
            let own = make_class(py)?;
            drop(CLASS.replace(py, Some(own.clone().unbind())));
            own
        }
    };
    // SAFETY: an object of the class below, whose memory is zero behind its head. It keeps what it refers to.
    unsafe {
        let object = ffi::PyType_GenericAlloc(own.as_type_ptr(), 0);
        if !object.is_null() {
            let function = object.cast::<Function>();
            // The same function, except that a panic may unwind through it.
            (*function).vectorcall = std::mem::transmute::<Vectorcall, ffi::vectorcallfunc>(called);
            (*function).call = call;
            (*function).class = class.clone().into_ptr().cast();
            (*function).original = original.clone().into_ptr();
            ffi::Py_INCREF(object);
        }
        Bound::from_owned_ptr_or_err(py, object)
    }
}

/// Makes a function stand for another one.
pub fn stand_for(function: &Bound<'_, PyAny>, original: &Bound<'_, PyAny>) {
    // SAFETY: a function that `new` has made. What it stood for is kept: it may be running.
    unsafe { (*function.as_ptr().cast::<Function>()).original = original.clone().into_ptr() };
}

/// A call. Without an object of the class, the original decides.
unsafe extern "C-unwind" fn called(
    slf: *mut ffi::PyObject,
    values: *const *mut ffi::PyObject,
    given: usize,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the interpreter calls it attached, with live arguments. The functions that it calls may unwind: no value
    // here is left to be dropped.
    unsafe {
        let function = slf.cast::<Function>();
        let positional = given & !ffi::PY_VECTORCALL_ARGUMENTS_OFFSET;
        if positional != 0 && ffi::PyObject_TypeCheck(*values, (*function).class) != 0 {
            return ((*function).call)(*values, values.add(1), (positional - 1).cast_signed(), names);
        }
        let Some(original) = ffi::PyVectorcall_Function((*function).original) else { return std::ptr::null_mut() };
        let original = std::mem::transmute::<ffi::vectorcallfunc, Vectorcall>(original);
        original((*function).original, values, given, names)
    }
}

unsafe extern "C" fn bound(
    slf: *mut ffi::PyObject,
    object: *mut ffi::PyObject,
    _: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the interpreter calls it with live objects.
    unsafe {
        if object.is_null() || object == ffi::Py_None() { ffi::Py_NewRef(slf) } else { PyMethod_New(slf, object) }
    }
}

unsafe extern "C" fn attribute(slf: *mut ffi::PyObject, name: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: the interpreter calls it with live objects.
    unsafe {
        // `pickle` and `copy` treat a function by its exact type, and this one by these methods.
        for own in [c"__reduce_ex__", c"__reduce__"] {
            if ffi::PyUnicode_CompareWithASCIIString(name, own.as_ptr()) == 0 {
                return ffi::PyObject_GenericGetAttr(slf, name);
            }
        }
        ffi::PyObject_GetAttr((*slf.cast::<Function>()).original, name)
    }
}

unsafe extern "C" fn set_attribute(
    slf: *mut ffi::PyObject,
    name: *mut ffi::PyObject,
    value: *mut ffi::PyObject,
) -> c_int {
    // SAFETY: as above. Without a value the attribute is deleted.
    unsafe { ffi::PyObject_SetAttr((*slf.cast::<Function>()).original, name, value) }
}

unsafe extern "C" fn shown(slf: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: as above.
    unsafe { ffi::PyObject_Repr((*slf.cast::<Function>()).original) }
}

/// Pickled by its name, as a function is.
unsafe extern "C" fn reduced(slf: *mut ffi::PyObject, _: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: as above.
    unsafe { ffi::PyObject_GetAttrString((*slf.cast::<Function>()).original, c"__qualname__".as_ptr()) }
}

unsafe extern "C" {
    fn PyMethod_New(function: *mut ffi::PyObject, object: *mut ffi::PyObject) -> *mut ffi::PyObject;
}

fn make_class(py: Python<'_>) -> PyResult<Bound<'_, PyType>> {
    // Each interpreter keeps pointers into these.
    let members = Box::leak(Box::new([
        ffi::PyMemberDef {
            name: c"__vectorcalloffset__".as_ptr(),
            type_code: ffi::Py_T_PYSSIZET,
            offset: offset_of!(Function, vectorcall).cast_signed(),
            flags: ffi::Py_READONLY,
            doc: std::ptr::null(),
        },
        ffi::PyMemberDef::default(),
    ]));
    let method = |name: *const c_char| ffi::PyMethodDef {
        ml_name: name,
        ml_meth: ffi::PyMethodDefPointer { PyCFunction: reduced },
        ml_flags: ffi::METH_O,
        ml_doc: std::ptr::null(),
    };
    let methods = Box::leak(Box::new([method(c"__reduce_ex__".as_ptr()), ffi::PyMethodDef::zeroed()]));
    let slot = |slot: c_int, pfunc: *mut std::ffi::c_void| ffi::PyType_Slot { slot, pfunc };
    let mut slots = [
        slot(ffi::Py_tp_members, members.as_mut_ptr().cast()),
        slot(ffi::Py_tp_methods, methods.as_mut_ptr().cast()),
        slot(ffi::Py_tp_call, ffi::PyVectorcall_Call as *mut _),
        slot(ffi::Py_tp_descr_get, bound as *mut _),
        slot(ffi::Py_tp_getattro, attribute as *mut _),
        slot(ffi::Py_tp_setattro, set_attribute as *mut _),
        slot(ffi::Py_tp_repr, shown as *mut _),
        slot(0, std::ptr::null_mut()),
    ];
    let flags = ffi::Py_TPFLAGS_DEFAULT | ffi::Py_TPFLAGS_HAVE_VECTORCALL | ffi::Py_TPFLAGS_METHOD_DESCRIPTOR;
    let mut spec = ffi::PyType_Spec {
        name: c"unified_logger._core.function".as_ptr(),
        basicsize: size_of::<Function>() as c_int,
        itemsize: 0,
        flags: flags as c_uint,
        slots: slots.as_mut_ptr(),
    };
    // SAFETY: the specification and its slots live through the call, and what they refer to for ever.
    let class = unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyType_FromSpec(&raw mut spec))? };
    Ok(class.cast_into()?)
}
