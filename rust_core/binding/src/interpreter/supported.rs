//! Refuses the import in interpreters in which this module would harm the program.

use pyo3::exceptions::PyImportError;
use pyo3::ffi;
use pyo3::prelude::*;

/// Checks the importing interpreter before any state of the module is made.
///
/// # Errors
/// `ImportError` if the module's state would be shared without the one lock that guards it.
pub fn check(py: Python<'_>) -> PyResult<()> {
    // SAFETY: attached; both are only compared.
    if unsafe { ffi::PyInterpreterState_Get() != ffi::PyInterpreterState_Main() } {
        return Err(PyImportError::new_err(
            "unified_logger cannot be imported in a sub-interpreter: import it in the main interpreter of the process \
             (for mod_wsgi: `WSGIApplicationGroup %{GLOBAL}`)",
        ));
    }
    // The function is there from 3.13 on.
    let asked = py.import("sys")?.getattr_opt("_is_gil_enabled")?;
    if let Some(asked) = asked
        && !asked.call0()?.is_truthy()?
    {
        return Err(PyImportError::new_err(
            "unified_logger cannot be imported without the interpreter lock: start Python without `PYTHON_GIL=0` and `-X gil=0`",
        ));
    }
    Ok(())
}
