//! What is to be redacted, as it is configured. A black box keeps it in this form.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What a secret becomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// A word that says that something was there.
    #[default]
    Replace,
    /// A keyed hash: equal secrets stay equal.
    Hash,
    /// Its last four characters, if it is long enough.
    Mask,
}

/// A key that is never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HashKey(pub String);

impl fmt::Debug for HashKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("HashKey(…)")
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spec {
    /// Names of fields and keys whose values are secrets, beside those that are known.
    pub keys: Vec<String>,
    /// Names that are none, though they look like it.
    pub keep_keys: Vec<String>,
    /// The patterns of this library that are searched, by name.
    pub patterns: Vec<String>,
    /// Regular expressions of the application, by name, in the order in which they count.
    pub custom: Vec<(String, String)>,
    /// If given, only fields of these names keep their values.
    pub allow: Option<Vec<String>>,
    /// What becomes of a secret whose rule says nothing else.
    pub action: Action,
    /// What becomes of those of a rule: the name of a pattern, `keys`, `allow`, or one key.
    pub actions: BTreeMap<String, Action>,
    pub hash_key: Option<HashKey>,
}

/// What of it is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key} = {value:?} is not allowed: must be {allowed}")]
pub struct Wrong {
    pub key: String,
    pub value: String,
    pub allowed: String,
}

impl Wrong {
    pub fn new(key: impl Into<String>, value: impl Into<String>, allowed: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.into(), allowed: allowed.into() }
    }
}

impl Spec {
    /// What becomes of the secrets of a rule.
    pub fn action_of(&self, rule: &str) -> Action {
        self.actions.get(rule).copied().unwrap_or(self.action)
    }
}
