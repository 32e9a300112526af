//! What records have of exceptions, and which code is the application's.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use unified_logger_core::exception::Form;

use super::code;
use crate::interpreter::frame::can_read_variables;
use crate::interpreter::gil::{Gil, intern};
use crate::value::shown::text_of;

struct Settings {
    form: Form,
    takes_variables: bool,
    /// Modules and directories that are the application's, wherever they are installed.
    application: Vec<String>,
    /// Modules and directories that are libraries.
    libraries: Vec<String>,
    /// The directory of the standard library.
    standard: Option<String>,
}

/// Those that hold until the program gives others.
static SETTINGS: Gil<Settings> = Gil::new(Settings {
    form: Form { has_text: true, has_frames: true, folds: true },
    takes_variables: false,
    application: Vec::new(),
    libraries: Vec::new(),
    standard: None,
});

/// Remembers where the standard library is, at the import.
pub fn prepare(py: Python<'_>) {
    // SAFETY: the dictionary of modules, borrowed. It has this module from the interpreter's start on.
    let modules = unsafe { Bound::from_borrowed_ptr_or_opt(py, ffi::PyImport_GetModuleDict()) };
    let module = modules.and_then(|modules| modules.cast::<PyDict>().ok()?.get_item(intern!(py, "os")).ok()?);
    let file = module.and_then(|module| module.getattr(intern!(py, "__file__")).ok());
    let file = file.filter(|file| file.is_instance_of::<PyString>()).map(|file| text_of(&file));
    let directory = file.as_deref().and_then(|file| Some(file.rsplit_once(['/', '\\'])?.0.to_owned()));
    // SAFETY: nothing runs while the reference lives.
    unsafe { (*SETTINGS.get(py)).standard = directory.filter(|directory| !directory.is_empty()) };
}

/// Sets what exceptions have in records from now on.
///
/// Returns whether local variables can be read of this interpreter, if they are wanted.
#[pyfunction]
pub fn set_exceptions(
    py: Python<'_>,
    has_text: bool,
    has_frames: bool,
    folds: bool,
    takes_variables: bool,
    application: Vec<String>,
    libraries: Vec<String>,
) -> bool {
    let can_take = !takes_variables || can_read_variables(py);
    // SAFETY: nothing runs while the reference lives, and what is replaced are texts.
    unsafe {
        let settings = &mut *SETTINGS.get(py);
        settings.form = Form { has_text, has_frames, folds };
        settings.takes_variables = takes_variables && can_take;
        settings.application = application;
        settings.libraries = libraries;
    }
    code::forget(py);
    can_take
}

/// What is shown of exceptions.
pub fn form(py: Python<'_>) -> Form {
    // SAFETY: attached, and copying runs no code.
    unsafe { (*SETTINGS.get(py)).form }
}

pub fn takes_variables(py: Python<'_>) -> bool {
    // SAFETY: as above.
    unsafe { (*SETTINGS.get(py)).takes_variables }
}

/// Whether code is the application's, by its file and its module.
pub fn is_application(py: Python<'_>, file: &str, module: &str) -> bool {
    // SAFETY: no Python code runs while the reference lives.
    let settings = unsafe { &*SETTINGS.get(py) };
    if settings.application.iter().any(|entry| is_in(entry, file, module)) {
        return true;
    }
    let is_library = file.starts_with("<frozen ")
        || is_installed(file)
        || is_module_in("unified_logger", module)
        || settings.standard.as_deref().is_some_and(|directory| below(directory, file).is_some())
        || settings.libraries.iter().any(|entry| is_in(entry, file, module));
    !is_library
}

/// Whether a file or its module is in what an entry names. A directory with packages installed below does not count for
/// these: it may hold the virtual environment.
fn is_in(entry: &str, file: &str, module: &str) -> bool {
    if entry.contains(['/', '\\']) {
        below(entry, file).is_some_and(|rest| !is_installed(rest))
    } else {
        is_module_in(entry, module)
    }
}

fn is_module_in(package: &str, module: &str) -> bool {
    module.strip_prefix(package).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// What follows the directory in a file's path.
fn below<'f>(directory: &str, file: &'f str) -> Option<&'f str> {
    let rest = file.strip_prefix(directory.trim_end_matches(['/', '\\']))?;
    (rest.is_empty() || rest.starts_with(['/', '\\'])).then_some(rest)
}

/// Whether it was installed as a package.
fn is_installed(file: &str) -> bool {
    file.split(['/', '\\']).any(|part| matches!(part, "site-packages" | "dist-packages"))
}
