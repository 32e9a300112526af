//! The fields of a record, by their names.

use super::{Context, Record};
use crate::value::{Reader, Value};

/// Names and values of the call's fields: those of its site, then those that came with their names.
pub fn call_fields<'a>(
    record: &Record<'a>,
    site_names: impl Iterator<Item = &'a str>,
) -> (Vec<&'a str>, Vec<Value<'a>>) {
    let mut reader = record.fields;
    let (mut names, mut values) = (Vec::new(), Vec::new());
    for name in site_names {
        let Some(value) = reader.value() else { break };
        names.push(name);
        values.push(value);
    }
    while let Some((name, value)) = named_value(&mut reader) {
        names.push(name);
        values.push(value);
    }
    (names, values)
}

/// The context's own fields, without ids.
pub fn context_fields<'a>(context: &Context<'a>) -> impl Iterator<Item = (&'a str, Value<'a>)> + use<'a> {
    let mut reader = context.fields;
    std::iter::from_fn(move || named_value(&mut reader))
}

fn named_value<'a>(reader: &mut Reader<'a>) -> Option<(&'a str, Value<'a>)> {
    Some((reader.text()?, reader.value()?))
}
