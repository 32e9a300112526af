//! The fields of a record, as text shows them.

use super::template::Template;
use super::value::has_lines;
use crate::record::{Context, Record, Site, call_fields, context_fields};
use crate::value::Value;

/// The fields of a record: those of the context, then those of the call, which stand in place of the context's of the same name.
#[derive(Debug)]
pub struct Fields<'a> {
    pub trace_id: Option<&'a str>,
    pub span_id: Option<&'a str>,
    named: Vec<(&'a str, Value<'a>)>,
}

impl<'a> Fields<'a> {
    pub fn read(record: &Record<'a>, site: Option<&'a Site>) -> Self {
        let site_names = site.into_iter().flat_map(|site| site.fields.iter().map(String::as_str));
        let (names, values) = call_fields(record, site_names);
        let mut read = Self { trace_id: None, span_id: None, named: Vec::with_capacity(names.len()) };
        if let Some(context) = record.context.and_then(Context::read) {
            (read.trace_id, read.span_id) = (context.trace_id, context.span_id);
            read.named.extend(context_fields(&context).filter(|(name, _)| !names.contains(name)));
        }
        read.named.extend(names.into_iter().zip(values));
        read
    }

    /// Those that were read from a line.
    pub const fn of(trace_id: Option<&'a str>, span_id: Option<&'a str>, named: Vec<(&'a str, Value<'a>)>) -> Self {
        Self { trace_id, span_id, named }
    }

    /// The value of a field that has a part of its own.
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.named.iter().find(|(named, _)| *named == name).map(|(_, value)| value)
    }

    /// Those that stand in the line of the record.
    pub fn in_line(&self, template: &Template) -> impl Iterator<Item = &(&'a str, Value<'a>)> {
        self.named.iter().filter(|(name, value)| !template.places(name) && !has_lines(value))
    }

    /// Those whose texts have several lines.
    pub fn with_lines(&self, template: &Template) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.named.iter().filter_map(|(name, value)| match value {
            Value::Text(text) if has_lines(value) && !template.places(name) => Some((*name, *text)),
            _ => None,
        })
    }
}
