//! Messages that take their arguments by name, `login %(password)s`. Once they are merged, the names are gone.

use super::Rules;
use super::keys::Treatment;

/// One conversion of a `%` format that has a name.
#[derive(Debug, PartialEq, Eq)]
struct Conversion<'a> {
    name: &'a str,
    /// Where it begins and ends.
    begin: usize,
    end: usize,
}

/// The format with secrets replaced, which are no conversions any more. `None` if it stays as it is.
///
/// `value` returns the text of a name's value. `None` if the value hides nothing, or has no text.
pub fn without_secrets(format: &str, rules: &Rules, mut value: impl FnMut(&str) -> Option<String>) -> Option<String> {
    let mut out = String::new();
    let mut kept = 0;
    let mut from = 0;
    while let Some(conversion) = next(format, from) {
        from = conversion.end;
        let (Treatment::Secret(action) | Treatment::SecretUnlessFlag(action)) = rules.keys.of(conversion.name) else {
            continue;
        };
        let Some(secret) = value(conversion.name) else { continue };
        out.push_str(&format[kept..conversion.begin]);
        let mut replaced = String::new();
        rules.replacer.put(action, None, &secret, &mut replaced);
        // The replacement is no format.
        out.push_str(&replaced.replace('%', "%%"));
        kept = conversion.end;
    }
    (kept > 0).then(|| out + &format[kept..])
}

/// The next conversion that has a name, from `from` on.
fn next(format: &str, mut from: usize) -> Option<Conversion<'_>> {
    let bytes = format.as_bytes();
    loop {
        let begin = from + memchr::memchr(b'%', &bytes[from..])?;
        if bytes.get(begin + 1) != Some(&b'(') {
            // Two of them are one sign.
            from = begin + 1 + usize::from(bytes.get(begin + 1) == Some(&b'%'));
            continue;
        }
        let inside = begin + 2;
        let mut depth = 1;
        let close = bytes[inside..].iter().position(|byte| {
            depth += i32::from(*byte == b'(') - i32::from(*byte == b')');
            depth == 0
        })?;
        let close = inside + close;
        let is_of_conversion = |byte: &&u8| byte.is_ascii_digit() || b"#-+ .*hlL".contains(byte);
        let letter = close + 1 + bytes[close + 1..].iter().take_while(is_of_conversion).count();
        let end = letter + format[letter..].chars().next()?.len_utf8();
        return Some(Conversion { name: &format[inside..close], begin, end });
    }
}

#[cfg(test)]
mod tests {
    use super::super::Spec;
    use super::*;

    fn shown(format: &str) -> Option<String> {
        without_secrets(format, &Rules::new(Spec::default()).unwrap(), |name| {
            (name != "token_of_nobody.token").then(|| "hunter2".to_owned())
        })
    }

    #[test]
    fn conversions_of_secrets_are_replaced_whatever_they_are() {
        for (format, expected) in [
            ("login %(password)s", "login [REDACTED]"),
            (
                "%(user)s %(password)-10.3s|%(api_key)r %(token)5d %% %(密码)s!",
                "%(user)s [REDACTED]|[REDACTED] [REDACTED] %% [REDACTED]!",
            ),
            ("%%(user)s %(password)s", "%%(user)s [REDACTED]"),
            ("%(a(b)password)s", "[REDACTED]"),
        ] {
            assert_eq!(shown(format).as_deref(), Some(expected), "{format}");
        }
    }

    #[test]
    fn other_formats_stay() {
        for format in [
            "",
            "%",
            "%%",
            "%(",
            "%(password",
            "%(password)",
            "%(user)s",
            "%%(password)s",
            "%s %d",
            "%(token_of_nobody.token)s",
            "100% (password)s",
        ] {
            assert_eq!(shown(format), None, "{format}");
        }
    }

    /// It would be taken for a conversion.
    #[test]
    fn a_mask_with_a_percent_sign_is_no_format() {
        let spec = Spec { action: super::super::Action::Mask, ..Spec::default() };
        let masked = without_secrets("%(password)s", &Rules::new(spec).unwrap(), |_| Some("a long secret %s%".into()));
        assert_eq!(masked.as_deref(), Some("**** %%s%%"));
    }
}
