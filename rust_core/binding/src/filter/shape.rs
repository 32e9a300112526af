//! Compares classes and lists of handlers or filters with an earlier state, without asking them.

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple, PyType};

use crate::interpreter::words::Words;

/// Whether a class's version changes with the class. That is not promised, so a probe checks it at the import.
static VERSIONS_CHANGE: AtomicBool = AtomicBool::new(false);

/// Probes whether the versions of classes show changes.
pub fn probe(py: Python<'_>) -> PyResult<bool> {
    let base = make_class(&PyTuple::empty(py))?;
    let class = make_class(&PyTuple::new(py, [&base])?)?;
    let mut change = true;
    for changed in [&class, &base] {
        class.hasattr("attribute")?;
        let before = version(&class);
        class.hasattr("attribute")?;
        change &= before != 0 && version(&class) == before;
        changed.setattr("attribute", 1)?;
        change &= version(&class) != before;
        class.hasattr("attribute")?;
        change &= version(&class) != before;
    }
    VERSIONS_CHANGE.store(change, Ordering::Relaxed);
    Ok(change)
}

fn make_class<'py>(bases: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyType>> {
    let py = bases.py();
    Ok(py.get_type::<PyType>().call1(("Probed", bases, PyDict::new(py)))?.cast_into()?)
}

/// The version of a class. 0 if the class has changed and no attribute was looked up since.
fn version(class: &Bound<'_, PyType>) -> u32 {
    // SAFETY: a live class.
    unsafe { (*class.as_type_ptr()).tp_version_tag }
}

/// The state of classes and of lists. The owner of the value holds both.
pub struct Shape {
    /// Versions of classes.
    classes: Words<u32, 2>,
    /// Sizes of lists, the addresses of their items, and the classes of objects.
    addresses: Words<usize, 7>,
    /// Items of lists. They can be read as long as size and address are the same.
    items: Words<usize, 2>,
}

impl Shape {
    pub fn new() -> Self {
        Self { classes: Words::new(), addresses: Words::new(), items: Words::new() }
    }

    #[inline(always)]
    pub fn is_unchanged(&self) -> bool {
        self.classes.are_unchanged() && self.addresses.are_unchanged() && self.items.are_unchanged()
    }

    pub fn add_class(&mut self, class: &Bound<'_, PyType>) {
        // SAFETY: a class is never moved, and the guard holds it.
        unsafe { self.classes.push(&raw const (*class.as_type_ptr()).tp_version_tag) };
    }

    /// An object may get another class (`object.__class__ = …`), which changes nothing else.
    pub fn add_class_of(&mut self, object: &Bound<'_, PyAny>) {
        // SAFETY: a live object, which the guard holds.
        unsafe { self.addresses.push((&raw const (*object.as_ptr()).ob_type).cast::<usize>()) };
    }

    /// The value of an attribute for which the object has a slot. False if it has none.
    pub fn add_slot(&mut self, object: &Bound<'_, PyAny>, name: &str) -> PyResult<bool> {
        let descriptor = object.get_type().getattr(name)?;
        // SAFETY: two live objects. The type of the descriptor says that it has such a description, and that the class
        // of the object, or one that it derives from, has an object at that offset.
        unsafe {
            if ffi::Py_TYPE(descriptor.as_ptr()) != &raw mut ffi::PyMemberDescr_Type {
                return Ok(false);
            }
            let descriptor = descriptor.as_ptr().cast::<ffi::PyMemberDescrObject>();
            let member = (*descriptor).d_member.cast::<ffi::PyMemberDef>();
            if (*member).type_code != ffi::Py_T_OBJECT_EX {
                return Ok(false);
            }
            self.addresses.push(object.as_ptr().byte_offset((*member).offset).cast::<usize>());
        }
        Ok(true)
    }

    pub fn add_list(&mut self, list: &Bound<'_, PyList>) {
        let list = list.as_ptr().cast::<ffi::PyListObject>();
        // SAFETY: a live list, which the guard holds; it has as many items as its size says.
        unsafe {
            let size = (&raw const (*list).ob_base.ob_size).cast::<usize>();
            self.addresses.push(size);
            self.addresses.push((&raw const (*list).ob_item).cast::<usize>());
            for index in 0..*size {
                self.items.push((*list).ob_item.cast::<usize>().add(index));
            }
        }
    }
}

/// Whether a class has a version that changes with it.
pub fn is_versioned(class: &Bound<'_, PyType>) -> bool {
    VERSIONS_CHANGE.load(Ordering::Relaxed) && version(class) != 0
}
