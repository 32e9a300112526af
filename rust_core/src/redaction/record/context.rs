//! Contexts of requests. Many records share a context, which is searched once.

use super::super::keys::Treatment;
use super::super::scanner::Scanner;
use super::edit::Edit;
use crate::record::{Context, put_context};
use crate::value::{Put, Reader};

/// Contexts that are cached, each in the slot that its bytes choose, and the most bytes of a context. Larger contexts
/// share one slot.
pub(super) const CONTEXTS: usize = 64;
const LONGEST: usize = 4_096;

#[derive(Debug, Default)]
pub(super) struct CachedContext {
    pub(super) bytes: Vec<u8>,
    /// The context without secrets, and how many values were replaced. `None` if it stays as it is.
    pub(super) redacted: Option<(Vec<u8>, u64)>,
}

/// The cached form of a context.
#[inline]
pub(super) fn cached_context<'k>(
    scanner: &mut Scanner,
    known: &'k mut [CachedContext],
    context: Reader<'_>,
    by_name: bool,
) -> &'k CachedContext {
    let bytes = context.rest();
    let index = if bytes.len() > LONGEST { CONTEXTS } else { crate::checksum::of(bytes) as usize % CONTEXTS };
    let known = &mut known[index];
    // Records of the library's own have no context.
    if known.bytes != bytes || !by_name {
        known.bytes.clear();
        known.redacted = redacted_context(scanner, context, by_name);
        known.bytes.extend_from_slice(bytes);
    }
    known
}

/// A context without secrets, and how many values were replaced. `None` if it stays as it is.
#[cold]
fn redacted_context(scanner: &mut Scanner, bytes: Reader<'_>, by_name: bool) -> Option<(Vec<u8>, u64)> {
    let (mut out, mut count) = (Vec::new(), 0);
    // No encoder shows a context that cannot be read.
    let context = Context::read(bytes)?;
    // Ids of the form of W3C Trace Context are random digits, and may look like anything.
    let mut id = |text: Option<&str>, digits: usize| {
        text.filter(|id| id.len() != digits || !id.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|id| scanner.text(id))
    };
    let (trace_id, span_id) = (id(context.trace_id, 32), id(context.span_id, 16));
    count += u64::from(trace_id.is_some()) + u64::from(span_id.is_some());
    put_context(&mut out, trace_id.as_deref().or(context.trace_id), span_id.as_deref().or(context.span_id));
    let mut fields = context.fields;
    while let (Some(name), Some(value)) = (fields.text(), fields.value()) {
        let treatment = if by_name { scanner.field_treatment(name) } else { Treatment::Search };
        let mut edit = Edit { scanner, count: &mut count };
        out.put_text(&edit.text(name));
        edit.put_value(&mut out, value, treatment);
    }
    (count > 0).then_some((out, count))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::super::{Rules, Spec};
    use super::super::Redactor;
    use super::*;
    use crate::value::Value;

    /// Seen to keep one in each slot.
    #[test]
    fn of_large_contexts_only_the_last_is_kept() {
        let mut redactor = Redactor::new(Rules::new(Spec::default()).unwrap(), Arc::default());
        let text = "x".repeat(100_000);
        for trace_id in 0..200 {
            let mut bytes = Vec::new();
            put_context(&mut bytes, Some(&trace_id.to_string()), None);
            bytes.put_text("prompt");
            bytes.put_value(Value::Text(&text));
            let context = Reader::checked(&bytes);
            let known = cached_context(&mut redactor.scanner, &mut redactor.contexts, context, true);
            assert!(known.bytes == bytes && known.redacted.is_none());
        }
        assert!(redactor.contexts.iter().map(|known| known.bytes.capacity()).sum::<usize>() < 1 << 20);
    }
}
