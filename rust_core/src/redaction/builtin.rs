//! The patterns that come with the library, by name. Each is written with what it begins with, so that one look at a text tells
//! whether any of them can be in it. Where the secret is only a part of what is found, that part is the group `secret`.

use std::ops::Range;

use memchr::{memmem, memrchr};

use super::card;

/// Where a pattern is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Together with all of its kind, in one pass over a text that is long enough for one of them.
    Always,
    /// In a text that has an at sign, or one in the form of URLs.
    At,
    /// In a text that has as many digits as a card.
    Digits,
}

/// What a look at what was found says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checked {
    /// It is a secret, in this part of the text.
    Secret(Range<usize>),
    /// It is none; the search goes on there.
    Not(usize),
}

/// Bytes of a card's number with a separator after each digit, and of what stands before a host in a URL: as far as is looked,
/// so that a text without end takes no more than its share of time.
const LONGEST_CARD: usize = 2 * 19;
const LONGEST_USER: usize = 256;
const LONGEST_PASSWORD: usize = 1_024;

pub type Check = fn(text: &str, found: Range<usize>, secret: Range<usize>) -> Checked;

#[derive(Debug)]
pub struct Builtin {
    pub name: &'static str,
    pub pattern: &'static str,
    pub when: When,
    pub check: Check,
}

const fn plain(name: &'static str, pattern: &'static str) -> Builtin {
    Builtin { name, pattern, when: When::Always, check: |_, _, secret| Checked::Secret(secret) }
}

/// Looked for by hand, after names whose values are secrets: `password=…`, `"token": "…"`.
pub const PAIRS: &str = "key_value";

/// In the order in which they count where two begin at the same place. Boundaries are those of ASCII: a secret may stand
/// between Chinese words without a space.
pub const BUILTIN: &[Builtin] = &[
    plain(
        "private_key",
        r"(?s)-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\z)",
    ),
    plain("jwt", r"(?-u:\b)eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){2,4}"),
    Builtin {
        name: "authorization",
        pattern: r"(?-u:\b)(?:[Bb]earer|BEARER|[Bb]asic|BASIC)[ \t]+(?P<secret>[A-Za-z0-9._~+/-]{8,}=*)",
        when: When::Always,
        check: check_authorization,
    },
    plain("anthropic_key", r"(?-u:\b)sk-ant-[A-Za-z0-9_-]{16,}"),
    Builtin {
        name: "openai_key",
        pattern: r"(?-u:\b)sk-[A-Za-z0-9_-]{20,}",
        when: When::Always,
        check: |text, found, secret| {
            // Names of styles and the like have no digits.
            if text[secret.clone()].bytes().any(|byte| byte.is_ascii_digit()) {
                Checked::Secret(secret)
            } else {
                Checked::Not(found.end)
            }
        },
    },
    plain(
        "ai_key",
        r"(?-u:\b)(?:gsk_[A-Za-z0-9]{20,}|xai-[A-Za-z0-9]{20,}|pplx-[A-Za-z0-9]{30,}|nvapi-[A-Za-z0-9_-]{30,}|r8_[A-Za-z0-9]{30,})",
    ),
    plain("github_token", r"(?-u:\b)(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{22,})"),
    plain("gitlab_token", r"(?-u:\b)gl(?:pat|dt|ptt|rt|cbt|ft|soat|agent|imt|oas)-[A-Za-z0-9_.-]{16,}"),
    plain("aws_access_key", r"(?-u:\b)(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?-u:\b)"),
    plain(
        "aws_secret_key",
        r#"(?:aws|AWS|Aws)[A-Za-z0-9_. -]{0,40}["']?\s{0,3}[=:]>?\s{0,3}["']?(?P<secret>[A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|\z)"#,
    ),
    plain("google_key", r"(?-u:\b)(?:AIza[0-9A-Za-z_-]{35}|ya29\.[0-9A-Za-z_-]{20,}|GOCSPX-[0-9A-Za-z_-]{20,})"),
    plain(
        "slack_token",
        r"(?-u:\b)(?:xox[a-z]-[A-Za-z0-9-]{10,}|xapp-[0-9]-[A-Za-z0-9-]{10,}|hooks\.slack\.com/services/(?P<secret>[A-Za-z0-9/]{20,}))",
    ),
    plain("stripe_key", r"(?-u:\b)(?:[sr]k_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/]{20,})"),
    plain("huggingface_token", r"(?-u:\b)hf_[A-Za-z0-9]{30,}"),
    plain("npm_token", r"(?-u:\b)npm_[A-Za-z0-9]{30,}"),
    plain("pypi_token", r"(?-u:\b)pypi-[A-Za-z0-9_-]{50,}"),
    plain("twilio_key", r"(?-u:\b)(?:SK|AC)[0-9a-f]{32}(?-u:\b)"),
    plain("sendgrid_key", r"(?-u:\b)SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    plain("telegram_token", r":(?P<secret>AA[A-Za-z0-9_-]{33})(?-u:\b)"),
    plain("digitalocean_token", r"(?-u:\b)do[opr]_v1_[a-f0-9]{64}"),
    plain("databricks_token", r"(?-u:\b)dapi[a-f0-9]{32}"),
    plain("shopify_token", r"(?-u:\b)shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),
    Builtin {
        name: "url_password",
        pattern: r#"://[^\s/?#:@"'<>\\\[]*:(?P<secret>[^\s"<>])"#,
        when: When::At,
        check: check_url,
    },
    Builtin {
        name: "email",
        pattern: r"[A-Za-z0-9._+-]+(?:@|%40)(?:[A-Za-z0-9-]+\.)+(?:[A-Za-z]{2,24}|xn--[A-Za-z0-9-]{2,59})(?-u:\b)",
        when: When::At,
        check: check_email,
    },
    Builtin { name: "card", pattern: r"[2-6](?:[ .-]?[0-9]){12,18}", when: When::Digits, check: check_card },
];

/// Prose has these words too: `basic authentication`, `a bearer of …`.
fn check_authorization(text: &str, found: Range<usize>, secret: Range<usize>) -> Checked {
    let given = &text[secret.clone()];
    let is_secret = if text[found.start..].starts_with(['b', 'B'])
        && text.as_bytes()[found.start + 1].eq_ignore_ascii_case(&b'a')
    {
        // RFC 7617: a name, a colon and a password, in Base64.
        decode_base64(given).is_some_and(|pair| pair.contains(&b':'))
    } else {
        let is_word = given.bytes().all(|byte| byte.is_ascii_alphabetic())
            && given[1..].bytes().all(|byte| byte.is_ascii_lowercase());
        let is_compound =
            given.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-' || byte == b'.' || byte == b'/');
        !(is_word || is_compound) || given.len() >= 24
    };
    if is_secret { Checked::Secret(secret) } else { Checked::Not(found.end) }
}

/// As many whole bytes as there are.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let (mut bits, mut count, mut out) = (0_u32, 0, Vec::new());
    for byte in text.bytes().take_while(|byte| *byte != b'=') {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count & 0xff) as u8);
        }
    }
    Some(out)
}

/// Files have names of this form, `logo@2x.png`, and so have users of hosts in URLs.
fn check_email(text: &str, found: Range<usize>, secret: Range<usize>) -> Checked {
    let kind = text[found.clone()].rsplit('.').next().unwrap_or_default();
    let is_file = ["png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "html"]
        .iter()
        .any(|file| kind.eq_ignore_ascii_case(file));
    let mut from = found.start.saturating_sub(LONGEST_USER);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let ends = |character: char| character.is_whitespace() || "/?#\"'<>".contains(character);
    let before = text[from..found.start].trim_end_matches(|character: char| !ends(character));
    // The user of a repository, which is a path behind a colon.
    let is_git = text[found.clone()].starts_with("git@") && text[found.end..].starts_with(':');
    if is_file || is_git || before.ends_with("://") { Checked::Not(found.end) } else { Checked::Secret(secret) }
}

fn check_card(text: &str, found: Range<usize>, _: Range<usize>) -> Checked {
    let candidate = text[found.start..].bytes().take(LONGEST_CARD);
    let length = candidate.take_while(|byte| byte.is_ascii_digit() || matches!(byte, b' ' | b'-' | b'.')).count();
    let longest = &text[found.start..found.start + length];
    match card::at_start_of(longest).filter(|_| !is_part_of_more(&text.as_bytes()[..found.start])) {
        Some(card) if !goes_on(&text[found.start + card.end..]) => Checked::Secret(found.start..found.start + card.end),
        // Another may begin after the next separator.
        _ => Checked::Not(found.start + 1),
    }
}

/// Whether what stands before a number is a part of it, or of an id that both are of. A word is neither: `card-4111…`, `PAN4111…`.
fn is_part_of_more(before: &[u8]) -> bool {
    let (last, rest) = match before.split_last() {
        Some((b'.' | b'-' | b'_', rest)) => (None, rest),
        Some((last, _)) if last.is_ascii_alphanumeric() => (Some(last), before),
        _ => return false,
    };
    let word = rest.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric());
    let (all_letters, all_hex) = (word.clone().all(u8::is_ascii_alphabetic), word.clone().all(u8::is_ascii_hexdigit));
    match last {
        None => all_hex && !all_letters,
        Some(_) => !all_letters || all_hex || word.count() < 2,
    }
}

/// What stands before the at sign of a URL: `user:password@`. A password that was made may have any sign in it; then it reaches to the
/// last at sign, unless it is a port and what stands behind that.
fn check_url(text: &str, found: Range<usize>, secret: Range<usize>) -> Checked {
    let start = secret.start;
    let bytes = text.as_bytes();
    let mut end = start;
    while end < bytes.len() && end - start < LONGEST_PASSWORD {
        let byte = bytes[end];
        // A quote in the middle of a password, and the one behind a URL.
        let goes_on = || bytes.get(end + 1).is_some_and(u8::is_ascii_alphanumeric);
        if byte.is_ascii_whitespace() || matches!(byte, b'"' | b'<' | b'>') || byte == b'\'' && !goes_on() {
            break;
        }
        end += 1;
    }
    let given = &bytes[start..end];
    let plain = given.iter().position(|byte| b"/?#'\\".contains(byte)).unwrap_or(given.len());
    if let Some(at) = memrchr(b'@', &given[..plain]) {
        return if at > 0 { Checked::Secret(start..start + at) } else { Checked::Not(found.end) };
    }
    let digits = given.iter().take_while(|byte| byte.is_ascii_digit()).count();
    // Of the first of several hosts too.
    let is_port = digits > 0 && (digits == plain || given[digits] == b',' && memmem::find(given, b"://").is_some());
    match memrchr(b'@', given).filter(|at| *at > 0 && plain > 0 && !is_port) {
        Some(at) => Checked::Secret(start..start + at),
        None => Checked::Not(found.end),
    }
}

/// Whether a number goes on behind its end, as a fraction or a word does.
fn goes_on(rest: &str) -> bool {
    let mut bytes = rest.bytes();
    match bytes.next() {
        // A float that is a whole number ends with a nought.
        Some(b'.') => match bytes.next() {
            Some(b'0') => bytes.find(|byte| *byte != b'0').is_some_and(|byte| byte.is_ascii_digit()),
            next => next.is_some_and(|byte| byte.is_ascii_digit()),
        },
        Some(byte) => byte.is_ascii_alphanumeric(),
        None => false,
    }
}
