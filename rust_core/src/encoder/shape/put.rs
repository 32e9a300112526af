//! Members of lines that names, call sites and ids decide.

use std::borrow::Cow;

use super::level;
use super::member::{Id, OfSite};
use super::plan::{Keyed, OfName};
use crate::encoder::UNKNOWN;
use crate::encoder::json::put_number;
use crate::record::Context;
use crate::value::put_quoted;

/// Puts members, the first without its comma where it is the first of its object.
pub fn bare(is_bare: bool, out: &mut Vec<u8>, put: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    put(out);
    if is_bare && out.len() > start {
        out.remove(start);
    }
}

/// Puts members that level and logger decide.
pub fn put_names(
    members: &[Keyed<OfName>],
    is_bare: bool,
    (number, name): (i32, &str),
    logger: &str,
    out: &mut Vec<u8>,
) {
    bare(is_bare, out, |out| {
        for (key, of) in members {
            match of {
                OfName::Level(of) if level::is_there(*of, number, name) => {
                    out.extend_from_slice(key);
                    level::put(*of, number, name, out);
                }
                OfName::Level(_) => {}
                OfName::Logger => {
                    out.extend_from_slice(key);
                    put_quoted(logger, out);
                }
            }
        }
    });
}

/// Puts members that the call site decides.
pub fn put_site_members(members: &[Keyed<OfSite>], module: &str, function: &str, line: u32, out: &mut Vec<u8>) {
    for (key, of) in members {
        out.extend_from_slice(key);
        match of {
            OfSite::Module => put_quoted(module, out),
            // Records have the file's name without its end. Names in angle brackets are no files.
            OfSite::File if module.starts_with('<') || matches!(module, UNKNOWN | "unknown") => put_quoted(module, out),
            OfSite::File => put_quoted(&format!("{module}.py"), out),
            OfSite::Function => put_quoted(function, out),
            OfSite::Line => put_number(out, line),
        }
    }
}

/// Puts the ids of a context.
pub fn put_ids(ids: &[Keyed<Id>], before_trace: &str, context: &Context<'_>, out: &mut Vec<u8>) {
    for (key, id) in ids {
        let text = match id {
            Id::Trace | Id::TraceOfProject | Id::DecimalTrace => context.trace_id,
            Id::Span | Id::DecimalSpan => context.span_id,
        };
        let Some(text) = text else { continue };
        out.extend_from_slice(key);
        match id {
            Id::TraceOfProject if is_hexadecimal(text, 32) => put_quoted(&format!("{before_trace}{text}"), out),
            Id::DecimalTrace | Id::DecimalSpan => put_quoted(&decimal(text), out),
            Id::Trace | Id::Span | Id::TraceOfProject => put_quoted(text, out),
        }
    }
}

fn is_hexadecimal(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The lower 64 bits of an id of 64 or 128 bits. Any other id stays as it is.
fn decimal(id: &str) -> Cow<'_, str> {
    let is_id = is_hexadecimal(id, 16) || is_hexadecimal(id, 32);
    let lower = is_id.then(|| u64::from_str_radix(&id[id.len() - 16..], 16).ok()).flatten();
    lower.map_or(Cow::Borrowed(id), |lower| Cow::Owned(lower.to_string()))
}
