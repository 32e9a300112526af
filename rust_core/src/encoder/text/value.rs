//! Values of fields.

use std::fmt::Write as _;

use crate::escape;
use crate::value::Value;

pub fn put_value(line: &mut String, value: Value<'_>) {
    let _ = match value {
        Value::Null => line.write_str("null"),
        Value::Bool(value) => write!(line, "{value}"),
        Value::Integer(value) => write!(line, "{value}"),
        Value::Float(value) => write!(line, "{value:?}"),
        Value::Json(json) => {
            escape::put(line, json);
            Ok(())
        }
        Value::Text(text) if text.is_empty() || text.contains([' ', '"', '=']) => {
            line.push('"');
            escape::put(line, &text.replace('"', "\\\""));
            line.push('"');
            Ok(())
        }
        Value::Text(text) => {
            escape::put(line, text);
            Ok(())
        }
    };
}
