//! Exceptions as they travel through the queue, and how they are rendered behind it.
//!
//! The caller copies what only it can see: types, texts, notes, and for each frame file, function and line. The rest,
//! the text of `traceback.format_exception` with its source lines, is put together here, on the writer's thread.

mod blob;
mod json;
mod source;
mod text;

pub use blob::{DEPTH, Exception, Frame, Group, Link, VERSION, decode, link};
pub use source::SourceCache;

/// The traceback of a captured exception, as Python prints it, without caret lines. Empty if the bytes are not whole.
pub fn text(blob: &[u8], sources: &mut SourceCache) -> String {
    decode(blob).map_or_else(String::new, |exception| text::exception(&exception, sources))
}

/// Writes a captured exception as the JSON object of a record's `exception`.
pub fn write_json(blob: &[u8], sources: &mut SourceCache, out: &mut Vec<u8>) {
    match decode(blob) {
        Some(exception) => json::exception(&exception, sources, out),
        None => out.extend_from_slice(br#"{"$error":"not readable"}"#),
    }
}

#[cfg(test)]
mod tests {
    use super::blob::tests::{encode, rich};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_damaged_exception_is_rendered_without_panic(at: prop::sample::Index, byte: u8) {
            let mut blob = encode(&rich());
            let at = at.index(blob.len());
            blob[at] = byte;
            let mut sources = SourceCache::default();
            let _ = text(&blob, &mut sources);
            let mut json = Vec::new();
            write_json(&blob, &mut sources, &mut json);
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&json).is_ok());
        }
    }
}
