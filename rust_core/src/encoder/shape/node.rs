//! The members of a line once preset, fields of the process and `keys` are known.

use serde_json::Value as Json;

use super::Keys;
use super::error;
use super::member::{Is, Member};
use super::presets::Preset;
use crate::encoder::fields::{Fields, short_name};

/// What stands at a key.
#[derive(Clone, Debug)]
pub enum Node {
    /// A value that is known, as JSON.
    Known(String),
    Of(Is),
    Object(Vec<(String, Node)>),
    /// The fields of the context and of the call: no member, but the position of theirs.
    Fields,
}

/// The members of a line.
pub fn members(preset: &Preset, fields: &Fields, keys: &Keys) -> Vec<(String, Node)> {
    let named = named_in(preset.members, fields);
    let mut members = arranged(nodes(preset.members, fields, &named), keys);
    // Where the fields are in an object, its members are beside them and named as they are.
    if let Some((_, Node::Object(inner))) = members.iter_mut().find(|(_, node)| has_fields(node)) {
        *inner = arranged(std::mem::take(inner), keys);
    }
    members
}

/// The members among which the fields of records stand.
pub fn beside_fields(members: &[(String, Node)]) -> &[(String, Node)] {
    match members.iter().find(|(_, node)| has_fields(node)) {
        Some((_, Node::Object(inner))) => inner,
        _ => members,
    }
}

fn has_fields(node: &Node) -> bool {
    matches!(node, Node::Object(inner) if inner.iter().any(|(_, node)| matches!(node, Node::Fields)))
}

/// Whether a member has a key, which the position of the fields has not.
pub fn has_key(node: &Node) -> bool {
    !matches!(node, Node::Fields)
}

/// The short names of fields that the preset has a member for. A field that is named as such a member itself stands for it.
fn named_in<'p>(table: &'p [Member], fields: &Fields) -> Vec<&'p str> {
    let mut named = Vec::new();
    for member in table {
        match member.is {
            Is::OfProcess(short, "") if !fields.names().any(|name| name == member.key && short_name(name) != short) => {
                named.push(short);
            }
            Is::Object(inner) => named.extend(named_in(inner, fields)),
            _ => {}
        }
    }
    named
}

fn nodes(table: &[Member], fields: &Fields, named: &[&str]) -> Vec<(String, Node)> {
    let mut members = Vec::new();
    let others = || fields.0.iter().filter(|(name, _)| !named.contains(&short_name(name)));
    for member in table {
        let key = member.key.to_owned();
        match member.is {
            Is::OfProcess(short, suffix) => {
                let is_given = others().any(|(name, _)| name == member.key);
                let field = fields.0.iter().find(|(name, _)| short_name(name) == short);
                if let Some((_, value)) = field.filter(|_| !is_given) {
                    members.push((key, Node::Known(with_suffix(value, suffix))));
                }
            }
            Is::ProcessFields => {
                members.extend(others().map(|(name, value)| (name.clone(), Node::Known(value.to_string()))));
            }
            Is::ProcessTexts => {
                members.extend(others().map(|(name, value)| (name.clone(), Node::Known(as_text(value)))));
            }
            Is::Constant(json) => members.push((key, Node::Known(json.to_owned()))),
            Is::Fields => members.push((key, Node::Fields)),
            Is::Object(inner) => {
                let inner = nodes(inner, fields, named);
                if !inner.is_empty() {
                    members.push((key, Node::Object(inner)));
                }
            }
            other => members.push((key, Node::Of(other))),
        }
    }
    members
}

fn with_suffix(value: &Json, suffix: &str) -> String {
    match value {
        Json::String(text) if !suffix.is_empty() => Json::from(format!("{text}{suffix}")).to_string(),
        other => other.to_string(),
    }
}

fn as_text(value: &Json) -> String {
    match value {
        Json::String(_) => value.to_string(),
        other => Json::from(other.to_string()).to_string(),
    }
}

/// Left out, put first and renamed, all by the names that stand in the preset.
fn arranged(mut members: Vec<(String, Node)>, keys: &Keys) -> Vec<(String, Node)> {
    members.retain(|(key, node)| !has_key(node) || !keys.omit.contains(key));
    let mut ordered = Vec::with_capacity(members.len());
    for first in &keys.first {
        if let Some(index) = members.iter().position(|(key, node)| has_key(node) && key == first) {
            ordered.push(members.remove(index));
        }
    }
    ordered.append(&mut members);
    for (key, node) in &mut ordered {
        if has_key(node)
            && let Some((_, new)) = keys.rename.iter().find(|(old, _)| old == key)
        {
            key.clone_from(new);
        }
    }
    ordered
}

/// The keys, joined by dots, whose values may differ when a record is encoded again.
pub fn each_volatile(prefix: &str, members: &[(String, Node)], tell: &mut impl FnMut(String)) {
    for (key, node) in members {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match node {
            Node::Object(inner) => each_volatile(&path, inner, tell),
            Node::Of(is) if is_volatile(*is) => tell(path),
            _ => {}
        }
    }
}

pub fn is_volatile(is: Is) -> bool {
    match is {
        Is::Exception | Is::Stack => true,
        Is::Error(of) => error::is_volatile(of),
        _ => false,
    }
}
