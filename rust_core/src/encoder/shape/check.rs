//! Whether a shape makes lines as they must be: each key once, and nothing named that is not there.

use std::collections::HashSet;
use std::sync::Arc;

use super::Shape;
use super::node::{Node, beside_fields, has_key};
use crate::encoder::Process;
use crate::encoder::fields::Fields;
use crate::names;
use crate::record::RESERVED;

/// What is not as it must be: its path in the configuration, its value, and what is allowed.
pub type Wrong = (Vec<String>, String, String);

/// Checks a shape, for lines of a process with these fields.
///
/// # Errors
/// With the first part that is not as it must be.
pub fn check(shape: &Shape, fields: &Fields) -> Result<(), Wrong> {
    let plain = Shape { keys: super::Keys::default(), ..shape.clone() };
    let known = keys_of(&plain, fields);
    check_fields(&plain, fields)?;
    let keys = &shape.keys;
    let path = |parts: &[&str]| -> Vec<String> { parts.iter().map(|part| (*part).to_owned()).collect() };
    let a_key = format!("the name of a key of the line ({})", known.join(", "));
    let a_key_or_field = format!("the name of a field, or {}", &a_key["the name of ".len()..]);
    let can_be_there = |name: &str| known.iter().any(|key| key == name) || !RESERVED.contains(&name);
    for (index, (old, new)) in keys.rename.iter().enumerate() {
        if !can_be_there(old) {
            return Err((path(&["rename", old]), new.clone(), format!("for {a_key_or_field}")));
        }
        if keys.omit.contains(old) {
            return Err((path(&["rename", old]), new.clone(), "left out: `omit` has the key too".to_owned()));
        }
        let is_taken = keys.rename[..index].iter().any(|(_, other)| other == new)
            || known.iter().any(|key| key == new && key != old && !is_moved(shape, key));
        let is_reserved = !known.contains(old) && RESERVED.contains(&new.as_str());
        if is_taken || is_reserved {
            let allowed = "a name of its own: another key of the line has it".to_owned();
            return Err((path(&["rename", old]), new.clone(), allowed));
        }
    }
    if let Some(name) = keys.omit.iter().find(|name| !can_be_there(name)) {
        return Err((path(&["omit"]), name.clone(), a_key_or_field));
    }
    for (index, name) in keys.first.iter().enumerate() {
        if !known.contains(name) || keys.omit.contains(name) || keys.first[..index].contains(name) {
            return Err((path(&["first"]), name.clone(), format!("{a_key}, once, and not left out")));
        }
    }
    Ok(())
}

/// Whether another key may have the name of this one.
fn is_moved(shape: &Shape, key: &str) -> bool {
    shape.keys.omit.iter().any(|omitted| omitted == key)
        || shape.keys.rename.iter().any(|(old, new)| old == key && new != key)
}

fn check_fields(plain: &Shape, fields: &Fields) -> Result<(), Wrong> {
    let own = keys_of(plain, &Fields::default());
    for (name, value) in &fields.0 {
        let alone = Fields(vec![(name.clone(), value.clone())]);
        let members = members_of(plain, &alone);
        // The objects of the keys that there are without it.
        let objects = plain.reserved(&members_of(plain, &Fields::default()));
        let is_twice = is_any_twice(&members) || keys_of(plain, &alone).contains(name) && objects.contains(name);
        if RESERVED.contains(&name.as_str()) || is_twice {
            let allowed = format!("a field by another name: {} are keys of the line", own.join(", "));
            return Err((vec!["fields".to_owned(), name.clone()], value.to_string(), allowed));
        }
    }
    Ok(())
}

fn members_of(shape: &Shape, fields: &Fields) -> Vec<(String, Node)> {
    shape.members(&Process {
        names: Arc::clone(names::here()),
        id: 0,
        is_dead: false,
        fields: Arc::new(fields.clone()),
    })
}

/// Whether an object has a key twice.
fn is_any_twice(members: &[(String, Node)]) -> bool {
    let mut keys = HashSet::new();
    members.iter().any(|(key, node)| {
        has_key(node) && !keys.insert(key) || matches!(node, Node::Object(inner) if is_any_twice(inner))
    })
}

/// The keys of a line, and those beside the fields of records where these are in an object.
fn keys_of(shape: &Shape, fields: &Fields) -> Vec<String> {
    let members = members_of(shape, fields);
    let inner = beside_fields(&members);
    let inner = if std::ptr::eq(inner, &*members) { &[] } else { inner };
    members.iter().chain(inner).filter(|(_, node)| has_key(node)).map(|(key, _)| key.clone()).collect()
}
