//! Replaces a method of a Python class. The replacement calls the original for all that it does not handle itself.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyType;

use crate::interpreter::function;
use crate::interpreter::gil::{Gil, intern};

/// A replacement, as the interpreter calls it. It may be unwound: see `ReplacedMethod::call_original`.
pub type Call = unsafe extern "C-unwind" fn(
    *mut ffi::PyObject,
    *const *mut ffi::PyObject,
    ffi::Py_ssize_t,
    *mut ffi::PyObject,
) -> *mut ffi::PyObject;

type Vectorcall = unsafe extern "C-unwind" fn(
    *mut ffi::PyObject,
    *const *mut ffi::PyObject,
    usize,
    *mut ffi::PyObject,
) -> *mut ffi::PyObject;

unsafe extern "C" {
    fn PyMethod_New(function: *mut ffi::PyObject, object: *mut ffi::PyObject) -> *mut ffi::PyObject;
}

/// A method that can be replaced.
pub struct ReplacedMethod {
    name: &'static str,
    call: Call,
    methods: Gil<Vec<Methods>>,
}

/// One class, and one more for each reload of its module: instances of the earlier classes live on.
struct Methods {
    class: Py<PyType>,
    own: Py<PyAny>,
    /// The method that was replaced.
    original: Py<PyAny>,
}

impl ReplacedMethod {
    /// `call` is the replacement. It takes arguments as `METH_FASTCALL | METH_KEYWORDS` has them.
    pub const fn new(name: &'static str, call: Call) -> Self {
        Self { name, call, methods: Gil::new(Vec::new()) }
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Puts the replacement into the class, for `original`. The replacement is made once for each class and takes only
    /// its instances: code that holds it may call it at any time.
    pub fn replace<'py>(&self, class: &Bound<'py, PyType>, original: Bound<'py, PyAny>) -> PyResult<()> {
        let py = class.py();
        // SAFETY: looked at and counted only.
        let known = unsafe { &*self.methods.get(py) }.iter().find(|methods| methods.class.is(class));
        let own = match known.map(|methods| methods.own.clone_ref(py)) {
            Some(own) => {
                let own = own.into_bound(py);
                function::stand_for(&own, &original);
                own
            }
            None => function::new(class, self.call, &original)?,
        };
        let new = Methods { class: class.clone().unbind(), own: own.clone().unbind(), original: original.unbind() };
        // SAFETY: no Python code runs while the reference lives; the old ones are dropped after.
        let methods = unsafe { &mut *self.methods.get(py) };
        let old = match methods.iter_mut().find(|methods| methods.class.is(class)) {
            Some(known) => Some(std::mem::replace(known, new)),
            None => {
                methods.push(new);
                None
            }
        };
        drop(old);
        class.setattr(self.name(), own)
    }

    /// Gives all classes their original methods back. A method that other code has put there since is left alone.
    pub fn put_back(&self, py: Python<'_>) -> PyResult<()> {
        // SAFETY: looked at and counted only.
        let classes: Vec<_> =
            unsafe { &*self.methods.get(py) }.iter().map(|methods| methods.class.clone_ref(py)).collect();
        for class in classes {
            let class = class.bind(py);
            let Ok(present) = class.getattr(intern!(py, "__dict__"))?.get_item(self.name()) else { continue };
            if let Some(original) = self.original_of(&present) {
                class.setattr(self.name(), original)?;
            }
        }
        Ok(())
    }

    /// The original, if `present` is the replacement.
    pub fn original_of<'py>(&self, present: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
        let py = present.py();
        // SAFETY: looked at and counted only.
        let methods = unsafe { &*self.methods.get(py) }.iter().find(|methods| methods.own.is(present))?;
        Some(methods.original.bind(py).clone())
    }

    /// Whether a method is the replacement.
    pub fn is_own(&self, method: &Bound<'_, PyAny>) -> bool {
        self.original_of(method).is_some()
    }

    /// Calls the original with the arguments of the replacement, as the last step of the replacement.
    ///
    /// The original runs Python code. Until 3.13, a thread that comes back to an interpreter that has ended is stopped
    /// there by unwinding its stack. So the original is called where no value is left to be dropped, with an ABI that
    /// lets the unwinding pass.
    ///
    /// # Safety
    /// Call it only from a `Call`, with the arguments of that call, and with no value left to be dropped in the caller.
    #[inline(always)]
    pub unsafe fn call_original(
        &self,
        py: Python<'_>,
        slf: *mut ffi::PyObject,
        values: *const *mut ffi::PyObject,
        positional: ffi::Py_ssize_t,
        names: *mut ffi::PyObject,
    ) -> *mut ffi::PyObject {
        // SAFETY: the interpreter calls methods attached, with live arguments. Making the bound method may collect
        // garbage, and that may exchange the original. So the original is held until the bound method holds it, which
        // lives as long as the call.
        unsafe {
            let original = match (&*self.methods.get(py)).as_slice() {
                [methods] => methods.original.as_ptr(),
                several => of_class(several, slf),
            };
            ffi::Py_XINCREF(original);
            let bound = PyMethod_New(original, slf);
            ffi::Py_XDECREF(original);
            if bound.is_null() {
                return bound;
            }
            // A bound method always has such a function.
            let Some(function) = ffi::PyVectorcall_Function(bound) else { return bound };
            let function = std::mem::transmute::<ffi::vectorcallfunc, Vectorcall>(function);
            let result = function(bound, values, positional.unsigned_abs(), names);
            ffi::Py_DECREF(bound);
            result
        }
    }
}

/// The original in the class of an object. A method takes instances of the class that it was made for.
///
/// # Safety
/// `object` is alive.
#[cold]
unsafe fn of_class(methods: &[Methods], object: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: promised by the caller; the classes are held.
    let is_instance =
        |methods: &&Methods| unsafe { ffi::PyObject_TypeCheck(object, methods.class.as_ptr().cast()) != 0 };
    methods.iter().rev().find(is_instance).map_or(std::ptr::null_mut(), |methods| methods.original.as_ptr())
}
