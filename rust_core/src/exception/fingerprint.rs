//! The fingerprint of an exception: equal for equal errors, in every process, on every machine, and after other lines of
//! the code have moved.
//!
//! It is made of types and functions alone. Messages have ids and amounts in them, lines change with every release, and
//! paths with every host.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::blob::{Exception, Link};
use super::fold::{has_application, related};

/// Changes with the text below: fingerprints of two versions are never compared.
const VERSION: &str = "v1";
/// Hexadecimal digits.
const DIGITS: usize = 16;

/// The fingerprint of an exception. `call_site` is module and function of the call that logged it, for an exception that
/// was never raised. `None` if its frames do not tell where they come from.
#[must_use]
pub fn fingerprint(exception: &Exception<'_>, call_site: Option<(&str, &str)>) -> Option<String> {
    let of_application = has_application(exception);
    let mut text = text(exception, of_application)?;
    if let Some((module, function)) = call_site.filter(|_| !has_frames(exception)) {
        let _ = writeln!(text, "at {module}:{function}");
    }
    Some(format!("{VERSION}-{}", digits(&text)))
}

/// What is hashed, a line for each part: the type, the functions in the order in which they were called, and the same of
/// the exceptions that led to it.
fn text(exception: &Exception<'_>, of_application: bool) -> Option<String> {
    let mut text = format!("{}.{}\n", exception.module, exception.kind);
    // A function that calls itself, also by way of others, counts once: how often it does depends on the data.
    let mut functions: Vec<&str> = Vec::new();
    for frame in exception.frames.iter().filter(|frame| frame.is_application || !of_application) {
        if frame.origin.is_empty() {
            return None;
        }
        if !functions.contains(&frame.origin) {
            functions.push(frame.origin);
            let _ = writeln!(text, "in {}", frame.origin);
        }
    }
    for (name, link) in [("cause", &exception.cause), ("context", &exception.context)] {
        match link {
            Link::None => {}
            Link::LeftOut => {
                let _ = writeln!(text, "{name}");
            }
            Link::To(other) => {
                let _ = writeln!(text, "{name}");
                text.push_str(&self::text(other, of_application)?);
            }
        }
    }
    if let Some(group) = &exception.group {
        // How many tasks failed alike, and which of them was first, differs each time.
        let members = group.members.iter().map(|member| Some(digits(&self::text(member, of_application)?)));
        let mut members: Vec<String> = members.collect::<Option<_>>()?;
        members.sort_unstable();
        members.dedup();
        for member in members {
            let _ = writeln!(text, "member {member}");
        }
    }
    Some(text)
}

fn has_frames(exception: &Exception<'_>) -> bool {
    !exception.frames.is_empty() || related(exception).any(has_frames)
}

fn digits(text: &str) -> String {
    let mut digits = String::with_capacity(DIGITS);
    for byte in &Sha256::digest(text.as_bytes())[..DIGITS / 2] {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::super::blob::tests::{frame, plain};
    use super::super::blob::{Frame, Group};
    use super::*;

    fn at<'a>(origins: &[&'a str]) -> Vec<Frame<'a>> {
        let frames =
            origins.iter().map(|origin| Frame { is_application: !origin.starts_with("lib"), origin, ..frame("f") });
        frames.collect()
    }

    fn of(kind: &str, origins: &[&str]) -> String {
        fingerprint(&Exception { frames: at(origins), ..plain(kind, "") }, None).unwrap()
    }

    /// The documented text, so that anybody can make it.
    #[test]
    fn it_is_the_hash_of_the_documented_text() {
        let cause = Exception { frames: at(&["shop.prices:price"]), ..plain("KeyError", "'P-7'") };
        let exception = Exception {
            frames: at(&["lib.server:run", "shop.orders:Order.pay"]),
            cause: Link::To(Box::new(cause)),
            ..plain("ValueError", "order 7")
        };
        let text = "builtins.ValueError\nin shop.orders:Order.pay\ncause\nbuiltins.KeyError\nin shop.prices:price\n";
        assert_eq!(super::text(&exception, true).unwrap(), text);
        let whole = fingerprint(&exception, Some(("shop", "f"))).unwrap();
        assert_eq!(whole, format!("v1-{}", &digits(text)));
        assert_eq!(whole.len(), 3 + DIGITS);
    }

    #[test]
    fn messages_lines_paths_and_libraries_do_not_count() {
        let mut moved = at(&["other:run", "shop:pay"]);
        moved[0].is_application = false;
        moved[1] = Frame { file: "/srv/elsewhere/shop.py", line: 900, repeated: 4, ..moved[1].clone() };
        let moved = Exception { frames: moved, ..plain("E", "another message") };
        assert_eq!(fingerprint(&moved, None).unwrap(), of("E", &["lib:run", "shop:pay"]));
    }

    #[test]
    fn types_and_places_count() {
        let all = [
            of("E", &["shop:pay"]),
            of("F", &["shop:pay"]),
            of("E", &["shop:refund"]),
            of("E", &["shop:a", "shop:pay"]),
            of("E", &["lib:pay"]),
            fingerprint(&Exception { cause: Link::LeftOut, frames: at(&["shop:pay"]), ..plain("E", "") }, None)
                .unwrap(),
        ];
        let mut distinct = all.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    fn the_depth_of_a_recursion_does_not_count() {
        assert_eq!(of("E", &["a:f", "a:g", "a:f", "a:g", "a:f"]), of("E", &["a:f", "a:g"]));
    }

    #[test]
    fn without_an_application_every_frame_counts() {
        assert_ne!(of("E", &["lib:a", "lib:b"]), of("E", &["lib:b"]));
    }

    #[test]
    fn of_a_group_each_kind_of_member_counts_once_in_any_order() {
        let group = |kinds: &[&'static str]| {
            let members = kinds.iter().map(|kind| plain(kind, "")).collect();
            let group = Group { members, left_out: 0 };
            fingerprint(&Exception { group: Some(group), ..plain("ExceptionGroup", "g") }, None).unwrap()
        };
        assert_eq!(group(&["A", "B", "A"]), group(&["B", "A"]));
        assert_ne!(group(&["A", "B"]), group(&["A"]));
    }

    #[test]
    fn what_was_never_raised_is_told_apart_by_its_call() {
        let never_raised = plain("E", "");
        let of_call = |function| fingerprint(&never_raised, Some(("shop", function)));
        assert_eq!(of_call("pay"), of_call("pay"));
        assert_ne!(of_call("pay"), of_call("refund"));
        let raised = Exception { frames: at(&["shop:pay"]), ..plain("E", "") };
        assert_eq!(fingerprint(&raised, Some(("shop", "pay"))), fingerprint(&raised, Some(("shop", "refund"))));
    }

    #[test]
    fn frames_of_boxes_of_earlier_versions_give_none() {
        assert_eq!(fingerprint(&Exception { frames: at(&[""]), ..plain("E", "") }, None), None);
    }
}
