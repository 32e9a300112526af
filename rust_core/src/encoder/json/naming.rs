//! The keys that the fields of calls and contexts get in a line.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::record;

/// How fields are named. By default they are named as they are, beside the record's own keys.
#[derive(Debug, Default)]
pub struct Naming {
    /// Keys that no field may take, beside those of every record.
    pub reserved: Vec<Cow<'static, str>>,
    pub rename: HashMap<String, String>,
    pub omit: HashSet<String>,
}

impl Naming {
    /// Beside these keys.
    #[must_use]
    pub fn beside<'k>(keys: impl Iterator<Item = &'k str>) -> Self {
        Self { reserved: keys.map(|key| Cow::Owned(key.to_owned())).collect(), ..Self::default() }
    }

    /// The key of each field, beside fields with the keys `beside`; see `record::keys`. `None` for a field that is left out.
    #[must_use]
    pub fn keys<'n>(&'n self, names: &[&'n str], beside: &[Option<Cow<'n, str>>]) -> Vec<Option<Cow<'n, str>>> {
        let taken: Vec<Cow<'_, str>> =
            self.reserved.iter().chain(beside.iter().flatten()).map(|key| Cow::Borrowed(&**key)).collect();
        if self.rename.is_empty() && self.omit.is_empty() {
            return record::keys(names, &taken).into_iter().map(Some).collect();
        }
        let wanted: Vec<&'n str> = names
            .iter()
            .filter(|name| !self.omit.contains(**name))
            .map(|name| self.rename.get(*name).map_or(*name, String::as_str))
            .collect();
        let mut keys = record::keys(&wanted, &taken).into_iter();
        names.iter().map(|name| if self.omit.contains(*name) { None } else { keys.next() }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_renamed_left_out_and_moved_aside() {
        let mut naming = Naming::beside(["service"].into_iter());
        assert_eq!(naming.keys(&["a", "service", "level"], &[]), ["a", "fields.service", "fields.level"].map(own));
        naming.rename = [("a".to_owned(), "b".to_owned())].into();
        naming.omit = ["gone".to_owned()].into();
        assert_eq!(naming.keys(&["gone", "a", "c"], &[]), [None, own("b"), own("c")]);
        assert_eq!(naming.keys(&["a", "b"], &[]), ["b", "fields.b"].map(own), "two keys that would become one");
        assert_eq!(naming.keys(&["a"], &[own("b")]), [own("fields.b")]);
    }

    fn own(key: &str) -> Option<Cow<'_, str>> {
        Some(key.into())
    }
}
