//! The parts of a record, each without secrets.

use std::borrow::Cow;

use super::super::keys::Treatment;
use super::super::scanner::{Replaced, Scanner};
use super::context::{CachedContext, cached_context};
use super::site::new_site;
use crate::exception::{self, Part, SourceCache};
use crate::table::{Table, View};
use crate::value::{Put, Reader, Value};

/// Makes texts and values without secrets, and counts the replaced ones.
pub(super) struct Edit<'a> {
    pub(super) scanner: &'a mut Scanner,
    pub(super) count: &'a mut u64,
}

impl Edit<'_> {
    #[inline]
    pub(super) fn text<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        match self.scanner.text(text) {
            None => Cow::Borrowed(text),
            Some(new) => {
                *self.count += 1;
                Cow::Owned(new)
            }
        }
    }

    /// Module and function without secrets. `None` if neither has any.
    pub(super) fn site(&mut self, module: &str, function: &str) -> Option<(String, String)> {
        new_site(self.scanner, module, function).inspect(|_| *self.count += 1)
    }

    /// A name that is part of the record, or must be from now on. `None` for a name that stays in its table.
    pub(super) fn name<'t>(
        &mut self,
        inline: Option<&'t str>,
        number: u32,
        table: &Table<String>,
        view: &mut View<String, Option<String>>,
    ) -> Option<Cow<'t, str>> {
        match inline {
            Some(name) => Some(self.text(name)),
            None => {
                let (_, new) = view.get(table, number, |name| self.scanner.text(name))?;
                *self.count += u64::from(new.is_some());
                new.clone().map(Cow::Owned)
            }
        }
    }

    #[inline]
    pub(super) fn put_value(&mut self, out: &mut Vec<u8>, value: Value<'_>, treatment: Treatment) {
        let new = self.scanner.value(value, treatment);
        *self.count += u64::from(new.is_some());
        match &new {
            None => out.put_value(value),
            Some(Replaced::Text(new)) => out.put_value(Value::Text(new)),
            Some(Replaced::Json(new)) => out.put_value(Value::Json(new)),
        }
    }

    /// An exception or a stack.
    pub(super) fn blob(&mut self, blob: &[u8], rewrite: exception::Rewrite, sources: &mut SourceCache) -> Vec<u8> {
        let Self { scanner, count } = self;
        let mut edit = |part: Part<'_>, text: &str| {
            let new = match part {
                Part::Text => scanner.text(text),
                Part::Source => scanner.source(text),
                Part::Variable(name) => variable(scanner, name, text),
            };
            new.inspect(|_| **count += 1)
        };
        let mut out = Vec::new();
        rewrite(blob, sources, &mut edit, &mut out);
        out
    }

    #[inline]
    pub(super) fn context<'c>(
        &mut self,
        known: &'c mut [CachedContext],
        context: Reader<'c>,
        by_name: bool,
    ) -> &'c [u8] {
        let known = cached_context(self.scanner, known, context, by_name);
        let (bytes, count) = known.redacted.as_ref().map_or((context.rest(), 0), |(bytes, count)| (bytes, *count));
        *self.count += count;
        bytes
    }
}

/// The text of a local variable without secrets, as a field of this name would have it. `None` if it stays as it is.
fn variable(scanner: &mut Scanner, name: &str, text: &str) -> Option<String> {
    let value = match text {
        "None" => Value::Null,
        "True" => Value::Bool(true),
        "False" => Value::Bool(false),
        text => Value::Text(text),
    };
    let treatment = scanner.field_treatment(name);
    // The secret is what stands between the quotes: it has the hash that it has everywhere.
    let quoted = ['\'', '"'].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
    let value = match (treatment, quoted) {
        (Treatment::Search, _) | (_, None) => value,
        (_, Some(secret)) => Value::Text(secret),
    };
    scanner.value(value, treatment).map(|new| match new {
        Replaced::Text(new) | Replaced::Json(new) => new,
    })
}
