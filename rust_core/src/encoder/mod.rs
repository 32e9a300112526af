//! Records to lines.

mod fields;
mod json;
mod lines;
mod logfmt;
mod shape;
mod text;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use fields::{Fields, short_name};
pub use json::JsonEncoder;
pub use lines::Lines;
pub use logfmt::LogfmtEncoder;
pub use shape::{Holds, Keys, Shape, Told, Wrong, check, layouts, preset_names};
pub use text::{
    NAMED as TEMPLATES, NO_TIME, PARTS, Shown, Text, TextEncoder, Wrong as WrongTemplate, check_template, text_columns,
};

use crate::names::{self, Names};
use crate::platform;
use crate::record::Record;

/// Stands for a name that is in no table; captured records never need it.
const UNKNOWN: &str = "?";

/// Makes lines of records, all of one process.
pub trait Encoder: fmt::Debug + Send {
    /// Appends the lines of a record, with their newlines.
    fn encode(&mut self, record: &Record<'_>, whose: Whose, out: &mut Vec<u8>);

    /// How many bytes the record has at the beginning of `text`, where it stands there whole: recovery knows by it what came to be in a file.
    /// `line` is memory to encode into.
    fn find(&mut self, record: &Record<'_>, text: &[u8], line: &mut Vec<u8>) -> Option<usize>;
}

/// Whose words a record has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    Application,
    /// What the library says itself. Its names are known to be harmless, and its records are never recovered ones.
    Library,
}

/// The process whose records are encoded.
#[derive(Clone, Debug)]
pub struct Process {
    pub names: Arc<Names>,
    pub id: u32,
    /// Whether they are written after its death.
    pub is_dead: bool,
    /// What each of its records says of it.
    pub fields: Arc<Fields>,
}

impl Process {
    /// This one.
    #[must_use]
    pub fn here() -> Self {
        Self { names: Arc::clone(names::here()), id: platform::process_id(), is_dead: false, fields: Arc::default() }
    }

    /// The same with these fields.
    #[must_use]
    pub fn with_fields(self, fields: &Fields) -> Self {
        Self { fields: Arc::new(fields.clone()), ..self }
    }
}

/// The names of formats, as settings have them.
pub const FORMATS: [&str; 3] = ["text", "json", "logfmt"];

/// The format of lines. Another one is a module here, a variant and a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case", deny_unknown_fields)]
pub enum Format {
    Json(Shape),
    Text(Text),
    Logfmt(Shape),
}

impl Format {
    /// Lines of JSON with the record's own keys.
    #[must_use]
    pub fn json() -> Self {
        Self::Json(Shape::default())
    }

    #[must_use]
    pub fn encoder(&self, process: &Process) -> Box<dyn Encoder> {
        match self {
            Self::Json(shape) => shape.encoder(process),
            Self::Text(text) => Box::new(TextEncoder::new(process, text)),
            Self::Logfmt(shape) => Box::new(LogfmtEncoder::new(process, shape)),
        }
    }
}

/// Module and function of the call that made a record.
fn call_site<'a>(names: &'a Names, record: &Record<'a>) -> Option<(&'a str, &'a str)> {
    match record.site {
        Some(site) => Some((site.module, site.function)),
        None => names.sites.get(record.header.site).map(|site| (&*site.module, &*site.function)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_format_has_its_name_in_the_list() {
        for name in FORMATS {
            let settings = if name == "text" { json!({"name": name, "color": false}) } else { json!({"name": name}) };
            let format: Format = serde_json::from_value(settings.clone()).unwrap();
            assert_eq!(serde_json::to_value(format).unwrap(), settings);
        }
        let unknown = serde_json::from_value::<Format>(json!({"name": ""})).unwrap_err().to_string();
        assert!(FORMATS.iter().all(|name| unknown.contains(name)), "{unknown}");
        assert_eq!(unknown.matches('`').count(), 2 * (FORMATS.len() + 1), "{unknown}");
    }
}
