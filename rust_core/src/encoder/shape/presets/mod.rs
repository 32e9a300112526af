//! Shapes that have a name. Another one is a module here and a line in `PRESETS`.

mod datadog;
mod ecs;
mod gcp;
mod otel;
mod plain;

pub use plain::PLAIN;

use super::member::Member;

/// A shape of lines by its name.
#[derive(Debug)]
pub struct Preset {
    pub name: &'static str,
    /// The members of a line, in their order.
    pub members: &'static [Member],
    /// Fields that the library itself gives records, and what they are called: what `keys` renames goes before that.
    pub fields: &'static [(&'static str, &'static str)],
}

pub const PRESETS: [&Preset; 4] = [&ecs::ECS, &gcp::GCP, &datadog::DATADOG, &otel::OTEL];

/// The names, as settings have them.
pub fn names() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().map(|preset| preset.name)
}
