//! Messages that take their arguments by `str.format`, `login {password}`. Once they are merged, the names are gone.

use std::sync::LazyLock;

use super::keys::{Keys, Treatment};
use super::{Action, Rules, Spec};

/// How deep formats are nested: in `{x:{width}}` one is inside the other. Python allows no more.
const DEPTH: usize = 2;

/// One replacement field of a format.
#[derive(Debug, PartialEq, Eq)]
struct Replacement<'a> {
    /// What stands before a conversion and a format: `user.name`, `0[key]`, or nothing.
    name: &'a str,
    /// What stands after the colon.
    spec: &'a str,
    /// Where it begins and ends, with its braces.
    begin: usize,
    end: usize,
}

/// Calls `see` with the name of each replacement field, in the order in which Python numbers them. A format that Python
/// refuses is read as far as it goes.
pub fn each_name<'a>(format: &'a str, see: &mut dyn FnMut(&'a str)) {
    each_name_inside(format, DEPTH, see);
}

fn each_name_inside<'a>(format: &'a str, depth: usize, see: &mut dyn FnMut(&'a str)) {
    let mut from = 0;
    while let Some(found) = next(format, from) {
        from = found.end;
        see(found.name);
        if depth > 1 {
            each_name_inside(found.spec, depth - 1, see);
        }
    }
}

/// The parts of a name: `user`, `address` and `city` of `user.address[city]`.
pub fn parts(name: &str) -> impl Iterator<Item = &str> {
    name.split(['.', '[', ']']).filter(|part| !part.is_empty())
}

/// The format with secrets replaced, which are no replacement fields any more. `None` if it stays as it is.
///
/// `value` returns the text of a field's value by the field's name. `None` if the value hides nothing, or has no text.
pub fn without_secrets(format: &str, rules: &Rules, mut value: impl FnMut(&str) -> Option<String>) -> Option<String> {
    replaced(format, &rules.keys, |found, action| {
        let secret = value(found.name)?;
        let mut replaced = String::new();
        rules.replacer.put(action, None, &secret, &mut replaced);
        Some(replaced)
    })
}

/// The format with replacement fields that stay as they are, if they are secrets by names that the library knows. For
/// messages that are merged before the rules are known.
pub fn without_known_secrets(format: &str) -> Option<String> {
    static KNOWN: LazyLock<Keys> = LazyLock::new(|| Keys::new(&Spec::default()));
    replaced(format, &KNOWN, |found, _| Some(format[found.begin..found.end].to_owned()))
}

/// The format with the texts of `replace` in place of replacement fields that are secrets by their names.
fn replaced(
    format: &str,
    keys: &Keys,
    mut replace: impl FnMut(&Replacement<'_>, Action) -> Option<String>,
) -> Option<String> {
    let mut out = String::new();
    let mut kept = 0;
    let mut from = 0;
    while let Some(found) = next(format, from) {
        from = found.end;
        let secret = parts(found.name).find_map(|part| match keys.of(part) {
            Treatment::Secret(action) | Treatment::SecretUnlessFlag(action) => Some(action),
            Treatment::Search => None,
        });
        let Some(text) = secret.and_then(|action| replace(&found, action)) else { continue };
        out.push_str(&format[kept..found.begin]);
        // The replacement is no format.
        out.push_str(&text.replace('{', "{{").replace('}', "}}"));
        kept = found.end;
    }
    (kept > 0).then(|| out + &format[kept..])
}

/// The next replacement field from `from` on, read as Python reads it.
fn next(format: &str, mut from: usize) -> Option<Replacement<'_>> {
    let bytes = format.as_bytes();
    let begin = loop {
        let brace = from + memchr::memchr2(b'{', b'}', &bytes[from..])?;
        let is_double = bytes.get(brace + 1) == Some(&bytes[brace]);
        match bytes[brace] {
            b'{' if !is_double => break brace,
            _ => from = brace + 1 + usize::from(is_double),
        }
    };
    let inside = begin + 1;
    let mut at = inside;
    while !matches!(bytes.get(at)?, b'}' | b':' | b'!') {
        at += match bytes[at] {
            // An index may hold any character.
            b'[' => 1 + memchr::memchr(b']', &bytes[at + 1..])?,
            b'{' => return None,
            _ => 1,
        };
    }
    let name = &format[inside..at];
    if bytes[at] == b'!' {
        // A conversion is one character.
        at += 1 + format[at + 1..].chars().next()?.len_utf8();
    }
    let spec = at + usize::from(bytes.get(at) == Some(&b':'));
    let mut depth = 1;
    let end = spec
        + bytes[spec..].iter().position(|byte| {
            depth += i32::from(*byte == b'{') - i32::from(*byte == b'}');
            depth == 0
        })?;
    Some(Replacement { name, spec: &format[spec..end], begin, end: end + 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(format: &str) -> Vec<&str> {
        let mut names = Vec::new();
        each_name(format, &mut |name| names.push(name));
        names
    }

    fn shown(format: &str) -> Option<String> {
        without_secrets(format, &Rules::new(Spec::default()).unwrap(), |name| {
            (name != "token_of_nobody.token").then(|| "hunter2".to_owned())
        })
    }

    #[test]
    fn names_are_read_as_python_reads_them() {
        for (format, expected) in [
            ("", &[][..]),
            ("{}{0}{user}", &["", "0", "user"]),
            ("{{}}{{user}}{a}}}", &["a"]),
            ("{user.name!r:>10}{x[a}b].c}", &["user.name", "x[a}b].c"]),
            ("{x:{width}.{precision}}{}", &["x", "width", "precision", ""]),
            ("{用户!s}，{名}", &["用户", "名"]),
            ("a } b {x}", &["x"]),
            ("{a} {", &["a"]),
            ("{a {b}", &[]),
            ("{a[", &[]),
            ("{a!", &[]),
            ("{a:{b}", &[]),
        ] {
            assert_eq!(names(format), expected, "{format}");
        }
        assert_eq!(parts("user.address[city].x").collect::<Vec<_>>(), ["user", "address", "city", "x"]);
    }

    #[test]
    fn replacement_fields_of_secrets_are_replaced_whatever_they_are() {
        for (format, expected) in [
            ("login {password}", "login [REDACTED]"),
            ("{user} {password!r:>10.3}|{api_key} {{}} {密码}!", "{user} [REDACTED]|[REDACTED] {{}} [REDACTED]!"),
            ("{user.password} {headers[Authorization]} {password.value}", "[REDACTED] [REDACTED] [REDACTED]"),
            ("{password:{width}}", "[REDACTED]"),
        ] {
            assert_eq!(shown(format).as_deref(), Some(expected), "{format}");
        }
    }

    #[test]
    fn other_formats_stay() {
        for format in ["", "{", "{{password}}", "{password", "{user}", "{}", "{token_of_nobody.token}", "(password)"] {
            assert_eq!(shown(format), None, "{format}");
        }
    }

    #[test]
    fn known_secrets_stay_without_rules() {
        assert_eq!(
            without_known_secrets("{user} {user.password!r:>3} {{}}").unwrap(),
            "{user} {{user.password!r:>3}} {{}}"
        );
        assert_eq!(without_known_secrets("{user} {}"), None);
    }

    /// It would be taken for a replacement field.
    #[test]
    fn a_mask_with_braces_is_no_format() {
        let spec = Spec { action: Action::Mask, ..Spec::default() };
        let rules = Rules::new(spec).unwrap();
        let masked = without_secrets("{password}", &rules, |_| Some("a long secret {x}".into()));
        assert!(!masked.unwrap().replace("{{", "").replace("}}", "").contains(['{', '}']));
    }
}
