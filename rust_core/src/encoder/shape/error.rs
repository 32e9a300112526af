//! Exceptions as flat texts.

use super::member::OfError;
use crate::exception::{self, Captured, SourceCache};
use crate::value::{Put, put_quoted};

/// Puts a part of a captured exception.
pub fn put(of: OfError, blob: &[u8], sources: &mut SourceCache, out: &mut Vec<u8>) {
    match of {
        OfError::Constant(json) => out.put(json.as_bytes()),
        OfError::Fingerprint => debug_assert!(false, "the encoder puts it, where there is one"),
        OfError::Traceback => put_quoted(exception::text(blob, sources).trim_end_matches('\n'), out),
        OfError::Type | OfError::QualifiedType | OfError::Message => match exception::decode(blob) {
            None => put_quoted("not readable", out),
            Some(Captured { exception, .. }) => match of {
                OfError::Message => put_quoted(exception.message, out),
                OfError::QualifiedType if !matches!(exception.module, "builtins" | "") => {
                    put_quoted(&format!("{}.{}", exception.module, exception.kind), out);
                }
                _ => put_quoted(exception.kind, out),
            },
        },
    }
}

/// Whether it may differ when it is put again: lines of source may have changed.
pub fn is_volatile(of: OfError) -> bool {
    matches!(of, OfError::Traceback)
}
