//! Exceptions as they travel through the queue, and how they are rendered behind it.
//!
//! The caller copies what only it can see: types, texts, notes, and for each frame file, function and line. The rest, the
//! text of `traceback.format_exception` with its source lines, is put together here, on the writer's thread.

mod blob;
mod source;
mod text;

pub use blob::{Exception, Frame, decode};
pub use source::SourceCache;

use json_escape_simd::escape_into;
use serde::Serialize;

/// The traceback of a captured exception, as Python prints it, without caret lines.
pub fn text(blob: &[u8], sources: &mut SourceCache) -> String {
    decode(blob).map_or_else(String::new, |exception| text::exception(&exception, sources))
}

/// Writes a captured exception as the JSON object of a record's `exception`.
pub fn write_json(blob: &[u8], sources: &mut SourceCache, out: &mut Vec<u8>) {
    match decode(blob) {
        Some(exception) => write_exception(&exception, true, sources, out),
        None => out.extend_from_slice(b"null"),
    }
}

/// What a frame is in a record.
#[derive(Serialize)]
struct JsonFrame<'a> {
    file: &'a str,
    function: &'a str,
    line: u32,
    #[serde(skip_serializing_if = "is_once")]
    repeated: u32,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_once(count: &u32) -> bool {
    *count == 1
}

fn write_exception(exception: &Exception<'_>, outermost: bool, sources: &mut SourceCache, out: &mut Vec<u8>) {
    let key = |out: &mut Vec<u8>, key: &str| {
        out.extend_from_slice(key.as_bytes());
    };
    key(out, r#"{"type":"#);
    escape_into(exception.kind, out);
    key(out, r#","message":"#);
    escape_into(exception.message, out);
    key(out, r#","module":"#);
    escape_into(exception.module, out);
    if outermost {
        // The outermost text holds those of all others.
        key(out, r#","traceback":"#);
        escape_into(&*text::exception(exception, sources), out);
    }
    key(out, r#","frames":"#);
    let frames: Vec<JsonFrame<'_>> = exception
        .frames
        .iter()
        .map(|frame| JsonFrame {
            file: frame.file,
            function: frame.function,
            line: frame.line,
            repeated: frame.repeated,
        })
        .collect();
    // Into memory, serde cannot fail on these.
    let _ = serde_json::to_writer(&mut *out, &frames);
    for (name, other) in [("cause", &exception.cause), ("context", &exception.context)] {
        if let Some(other) = other {
            key(out, &format!(",\"{name}\":"));
            write_exception(other, false, sources, out);
        }
    }
    if !exception.notes.is_empty() {
        key(out, r#","notes":"#);
        let _ = serde_json::to_writer(&mut *out, &exception.notes);
    }
    if let Some(group) = &exception.group {
        key(out, r#","group":["#);
        for (index, member) in group.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_exception(member, false, sources, out);
        }
        out.push(b']');
    }
    out.push(b'}');
}
