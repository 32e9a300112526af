//! What `help` and editors show of a logging method: its signature, and the words of the stub.

use std::ffi::{CStr, CString};

const PARAMETERS: &str =
    "    message: What happened; with arguments, a %-style template. By name it is `msg`, as in `logging`.
    *args: Arguments of the template, or one mapping for a template with names.
    exc_info: The exception of the record: an exception, a tuple of `sys.exc_info`, or True for the one being handled.
    stack_info: Whether the record has the stack of the call.
    stacklevel: Which caller the record names: 1 is the function that calls this method, 2 the caller of that function.
    extra: Further fields, as a mapping.
    **fields: Fields of the record, of any type.
";

/// The text of a method, in the form from which the interpreter reads a signature.
///
/// `what` is its first sentence.
pub fn of(name: &CStr, what: &CStr) -> CString {
    let (name, what) = (name.to_string_lossy(), what.to_string_lossy());
    let (level, of_level) = match &*name {
        "log" => ("level=..., ", "    level: By number or name.\n"),
        _ => ("", ""),
    };
    let exception = if name == "exception" { "True" } else { "None" };
    let text = format!(
        "{name}($self, {level}message='', /, *args, exc_info={exception}, stack_info=False, stacklevel=1, extra=None, \
         **fields)\n--\n\n{what}\n\nArgs:\n{of_level}{PARAMETERS}"
    );
    CString::new(text).unwrap_or_default()
}
