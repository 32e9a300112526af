//! What stands in a secret's place.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::spec::Action;

/// Bytes of a hash that are shown: enough to tell apart what one service ever logs.
const SHOWN: usize = 8;
/// Characters of a secret that a mask leaves, and how many a secret must have for that.
const LEFT: usize = 4;
const LONG: usize = 12;

#[derive(Clone, Debug, Default)]
pub struct Replacer {
    hmac: Option<Hmac<Sha256>>,
}

impl Replacer {
    pub fn new(hash_key: Option<&str>) -> Self {
        // A key of any length will do: longer ones are hashed first (RFC 2104).
        Self { hmac: hash_key.and_then(|key| Hmac::new_from_slice(key.as_bytes()).ok()) }
    }

    /// Puts what stands in the place of `secret`, which the rule of this name found; `None` for its key's sake.
    pub fn put(&self, action: Action, rule: Option<&str>, secret: &str, out: &mut String) {
        match (action, &self.hmac, rule) {
            (Action::Mask, ..) => put_mask(secret, out),
            (Action::Hash, Some(hmac), _) => {
                let mut hmac = hmac.clone();
                hmac.update(secret.as_bytes());
                out.push_str("[HASH:");
                for byte in &hmac.finalize().into_bytes()[..SHOWN] {
                    let _ = write!(out, "{byte:02x}");
                }
                out.push(']');
            }
            (_, _, Some(rule)) => {
                out.push_str("[REDACTED:");
                out.push_str(rule);
                out.push(']');
            }
            (_, _, None) => out.push_str("[REDACTED]"),
        }
    }
}

fn put_mask(secret: &str, out: &mut String) {
    out.push_str("****");
    let count = secret.chars().count();
    if count >= LONG {
        out.extend(secret.chars().skip(count - LEFT));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(action: Action, key: Option<&str>, rule: Option<&str>, secret: &str) -> String {
        let mut out = String::new();
        Replacer::new(key).put(action, rule, secret, &mut out);
        out
    }

    #[test]
    fn a_replacement_names_its_pattern() {
        assert_eq!(replaced(Action::Replace, None, None, "x"), "[REDACTED]");
        assert_eq!(replaced(Action::Replace, None, Some("email"), "x"), "[REDACTED:email]");
    }

    /// The second of the test cases of RFC 4231.
    #[test]
    fn a_hash_is_hmac_sha256() {
        let hash = replaced(Action::Hash, Some("Jefe"), Some("email"), "what do ya want for nothing?");
        assert_eq!(hash, "[HASH:5bdcc146bf60754e]");
    }

    #[test]
    fn a_hash_without_a_key_is_none() {
        assert_eq!(replaced(Action::Hash, None, None, "x"), "[REDACTED]");
    }

    #[test]
    fn a_mask_leaves_four_characters_of_what_is_long_enough() {
        assert_eq!(replaced(Action::Mask, None, None, "4111111111111111"), "****1111");
        assert_eq!(replaced(Action::Mask, None, None, "hunter2"), "****");
        assert_eq!(replaced(Action::Mask, None, None, "密码密码密码密码密码甲乙丙丁"), "****甲乙丙丁");
    }
}
