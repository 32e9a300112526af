//! The keys that fields get in a line.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// The keys of a record that no field may take.
pub const RESERVED: [&str; 14] = [
    "timestamp",
    "level",
    "logger",
    "message",
    "module",
    "function",
    "line",
    "thread",
    "process",
    "trace_id",
    "span_id",
    "exception",
    "stack",
    "recovered",
];

/// Names that are compared each with all others, without a set of them.
const FEW: usize = 24;

/// The keys that fields of these names get beside fields with the keys `beside`. A name that is reserved or taken moves aside:
/// to `fields.<name>`, or `fields.<name>.2` and so on while that is taken, by a name as it stands before all.
#[must_use]
pub fn keys<'n>(names: &[&'n str], beside: &[Cow<'_, str>]) -> Vec<Cow<'n, str>> {
    let is_free = |name: &str, before: &[&str]| {
        !RESERVED.contains(&name) && !before.contains(&name) && !beside.iter().any(|key| key == name)
    };
    let are_few = names.len() + beside.len() <= FEW;
    if are_few && names.iter().enumerate().all(|(index, name)| is_free(name, &names[..index])) {
        return names.iter().copied().map(Cow::Borrowed).collect();
    }
    let mut taken: HashSet<Cow<'_, str>> = beside.iter().map(|key| Cow::Borrowed(&**key)).collect();
    let plain: Vec<bool> =
        names.iter().map(|name| !RESERVED.contains(name) && taken.insert(Cow::Borrowed(*name))).collect();
    // How far each name got: a box that was tampered with may hold the same one any number of times.
    let mut last: HashMap<&str, u32> = HashMap::new();
    let key = |(name, plain): (&&'n str, bool)| {
        if plain {
            return Cow::Borrowed(*name);
        }
        let last = last.entry(name).or_default();
        let mut aside = asides(name, *last + 1);
        let (number, key) = aside.find(|(_, key)| !taken.contains(key.as_str())).unwrap_or_default();
        *last = number;
        taken.insert(Cow::Owned(key.clone()));
        Cow::Owned(key)
    };
    names.iter().zip(plain).map(key).collect()
}

fn asides(name: &str, from: u32) -> impl Iterator<Item = (u32, String)> {
    let aside = move |number| if number < 2 { format!("fields.{name}") } else { format!("fields.{name}.{number}") };
    (from..).map(move |number| (number, aside(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_and_repeated_names_move_aside() {
        let names = ["level", "a", "fields.level", "a"];
        assert_eq!(keys(&names, &[]), ["fields.level.2", "a", "fields.level", "fields.a"]);
        assert_eq!(keys(&["", "x"], &[]), ["", "x"]);
        assert_eq!(keys(&["a", "a", "fields.a.2", "a"], &[]), ["a", "fields.a", "fields.a.2", "fields.a.3"]);
        assert_eq!(keys(&["a", "level"], &["a".into(), "fields.level".into()]), ["fields.a", "fields.level.2"]);
        let many: Vec<_> = (0..FEW).map(|number| number.to_string()).collect();
        let names: Vec<_> = many.iter().map(String::as_str).chain(["level", "7"]).collect();
        assert_eq!(keys(&names, &[])[FEW..], ["fields.level", "fields.7"]);
    }

    /// Seen to take minutes with every name looked for among all before it.
    #[test]
    fn a_name_that_comes_ever_again_is_no_trouble() {
        let keys = keys(&["a"; 100_000], &[]);
        assert_eq!(keys.last().unwrap(), "fields.a.99999");
    }
}
