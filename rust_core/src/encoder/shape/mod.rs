//! What a line of JSON looks like where it is not the record's own: names from a preset, keys renamed, left out or put first, times of a zone.

mod check;
mod encoder;
mod error;
mod level;
mod member;
mod node;
mod plan;
mod presets;
mod put;
mod runs;
mod told;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Encoder, JsonEncoder, Process};
use crate::clock::Zone;
use encoder::ShapedEncoder;
use node::{Node, members};
use presets::{PLAIN, PRESETS, Preset};

pub use check::{Wrong, check};
pub use presets::names as preset_names;
pub use told::{Holds, Told, layouts};

/// The shape of lines, as it is configured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Shape {
    /// `None` for the record's own keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<PresetName>,
    #[serde(skip_serializing_if = "is_default")]
    pub keys: Keys,
    #[serde(skip_serializing_if = "is_default")]
    pub zone: Zone,
    /// The project of Google Cloud that traces are of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
}

/// What becomes of the keys that lines would otherwise have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Keys {
    /// Old names and new ones.
    pub rename: Vec<(String, String)>,
    pub omit: Vec<String>,
    /// Those that stand first, in this order.
    pub first: Vec<String>,
}

/// A name among `preset_names`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PresetName(String);

impl TryFrom<String> for PresetName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        if PRESETS.iter().any(|preset| preset.name == name) {
            Ok(Self(name))
        } else {
            Err(format!("there is no preset {name:?}"))
        }
    }
}

impl From<PresetName> for String {
    fn from(name: PresetName) -> Self {
        name.0
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Shape {
    /// Whether lines have the record's own keys, in their order.
    fn is_plain(&self) -> bool {
        self.preset.is_none() && self.keys == Keys::default()
    }

    fn preset(&self) -> &'static Preset {
        let name = self.preset.as_ref().map(|name| &*name.0);
        PRESETS.into_iter().find(|preset| Some(preset.name) == name).unwrap_or(&PLAIN)
    }

    /// An encoder of lines of JSON.
    #[must_use]
    pub fn encoder(&self, of: &Process) -> Box<dyn Encoder> {
        if self.is_plain() {
            Box::new(JsonEncoder::in_zone(of, &self.zone))
        } else {
            Box::new(ShapedEncoder::new(self, of))
        }
    }

    /// The members of a line, after `keys`.
    fn members(&self, of: &Process) -> Vec<(String, Node)> {
        members(self.preset(), &of.fields, &self.keys)
    }

    /// The names that no field of a record may have, beside those of every record: the keys beside it. A store takes `service.name` for a member of
    /// an object, so with a preset no field is called `service` then.
    fn reserved(&self, members: &[(String, Node)]) -> Vec<String> {
        let beside = node::beside_fields(members);
        let keys = beside.iter().filter(|(_, node)| node::has_key(node)).map(|(key, _)| key.clone());
        let mut reserved: Vec<String> = keys.collect();
        if self.preset.is_some() && std::ptr::eq(beside, members) {
            let objects: BTreeSet<&str> = reserved.iter().flat_map(|key| objects_of(key)).collect();
            let objects: Vec<String> = objects.into_iter().map(str::to_owned).collect();
            reserved.extend(objects);
        }
        reserved
    }

    /// The keys whose values may differ when a record is encoded again, because they hold lines of source. Keys of objects are joined by
    /// dots.
    #[must_use]
    pub fn volatile_keys(&self, of: &Process) -> Vec<String> {
        let mut keys = Vec::new();
        node::each_volatile("", &self.members(of), &mut |key| keys.push(key));
        keys
    }
}

/// The objects that a store makes of a key with dots: `log` and `log.origin` of `log.origin.function`.
fn objects_of(key: &str) -> impl Iterator<Item = &str> {
    key.match_indices('.').map(|(at, _)| &key[..at])
}

#[cfg(test)]
mod tests;
