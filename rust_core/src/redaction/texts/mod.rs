//! Texts as services log them, with a secret in each, and others that only look like it. What was found must be found, and what is not a secret stays.

mod any;
mod others;
mod secrets;
mod work;

use super::tests::redacted;

/// What becomes of a text, with all replacements written alike.
fn shown(text: &str) -> String {
    let mut out = String::new();
    let redacted = redacted(text);
    let mut rest = redacted.as_str();
    while let Some(at) = rest.find("[REDACTED") {
        out.push_str(&rest[..at]);
        out.push('*');
        rest = rest[at..].split_once(']').map_or("", |(_, rest)| rest);
    }
    out + rest
}

fn assert_shown(cases: &[(&str, &str)]) {
    let wrong: Vec<_> = cases
        .iter()
        .filter(|(text, expected)| shown(text) != *expected)
        .map(|(text, expected)| format!("{text}\n  becomes  {}\n  and not  {expected}", shown(text)))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
