//! Exceptions as they travel through the queue, and how they are rendered behind it.
//!
//! The caller copies what only it can see: types, texts, notes, and for each frame file, function and line. The rest,
//! the text of `traceback.format_exception` with its source lines, is put together here, on the writer's thread.

mod blob;
mod fingerprint;
mod fold;
mod form;
mod json;
mod marks;
mod operator;
mod rewrite;
mod source;
mod text;

use crate::value::put_quoted;

pub use blob::{
    Captured, DEPTH, Exception, Frame, Group, Link, Stack, TEXT, VERSION, decode, decode_stack, is_exception, is_stack,
    link,
};
pub use fold::{Entry, entries, has_application};
pub use form::Form;
pub use marks::{FURTHER_DOWN, is_marks};
pub use rewrite::{Edit, Part, Rewrite, rewrite, rewrite_stack};
pub use source::SourceCache;

impl Captured<'_> {
    /// Whether runs of frames of libraries are folded: if that is wanted, and the exception passed the application.
    #[must_use]
    pub fn folds(&self) -> bool {
        self.form.folds && has_application(&self.exception)
    }
}

/// The traceback of a captured exception, as Python prints it, without caret lines. Frames of libraries are folded as the
/// exception says. Empty if the bytes are not whole.
pub fn text(blob: &[u8], sources: &mut SourceCache) -> String {
    text_as(blob, false, sources)
}

/// The same with caret lines, for people.
pub fn marked_text(blob: &[u8], sources: &mut SourceCache) -> String {
    text_as(blob, true, sources)
}

fn text_as(blob: &[u8], is_marked: bool, sources: &mut SourceCache) -> String {
    let put = |captured: Captured<'_>| text::exception(&captured.exception, captured.folds(), is_marked, sources);
    decode(blob).map_or_else(String::new, put)
}

/// Writes a captured exception as the JSON object of a record's `exception`. `call_site` is module and function of the
/// record.
pub fn write_json(blob: &[u8], call_site: Option<(&str, &str)>, sources: &mut SourceCache, out: &mut Vec<u8>) {
    match decode(blob) {
        Some(captured) => json::exception(&captured, captured.folds(), call_site, sources, out),
        None => out.extend_from_slice(br#"{"$error":"not readable"}"#),
    }
}

/// The fingerprint of a captured exception, where it has one. `call_site` is module and function of the record.
#[must_use]
pub fn fingerprint(blob: &[u8], call_site: Option<(&str, &str)>) -> Option<String> {
    fingerprint::fingerprint(&decode(blob)?.exception, call_site)
}

/// A captured stack as `logging` prints it for `stack_info`, without a newline at its end. Empty if its bytes are not
/// whole.
pub fn stack_text(blob: &[u8], sources: &mut SourceCache) -> String {
    decode_stack(blob).map_or_else(String::new, |stack| text::stack(&stack, sources))
}

/// Writes a captured stack as the JSON string of a record's `stack`.
pub fn write_stack_json(blob: &[u8], sources: &mut SourceCache, out: &mut Vec<u8>) {
    put_quoted(&stack_text(blob, sources), out);
}

/// Captured exceptions for the tests of other rooms.
#[cfg(test)]
pub(crate) mod samples {
    pub use super::blob::tests::{encode, rich};
}

#[cfg(test)]
mod tests {
    use super::blob::tests::{encode, put_frame, rich};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_stack_is_printed_as_by_logging() {
        let mut blob = vec![VERSION, 0, 0, 0, 0, 1, 0, 0, 0];
        put_frame(&rich().frames[0], &mut blob);
        let mut json = Vec::new();
        write_stack_json(&blob, &mut SourceCache::default(), &mut json);
        let text: String = serde_json::from_slice(&json).unwrap();
        assert!(
            text.starts_with("Stack (most recent call last):\n  File \"/no/such/file.py\", line 7, in f\n    f()\n")
        );
        assert!(text.ends_with("  [Previous line repeated 2 more times]"));
    }

    #[test]
    fn a_stack_printed_elsewhere_stays_as_it_is() {
        assert_eq!(stack_text("\0Stack: é".as_bytes(), &mut SourceCache::default()), "Stack: é");
    }

    proptest! {
        #[test]
        fn a_damaged_exception_is_rendered_without_panic(at: prop::sample::Index, byte: u8) {
            let mut blob = encode(&rich());
            let at = at.index(blob.len());
            blob[at] = byte;
            let mut sources = SourceCache::default();
            let _ = text(&blob, &mut sources);
            let mut json = Vec::new();
            write_json(&blob, None, &mut sources, &mut json);
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&json).is_ok());
        }
    }
}
