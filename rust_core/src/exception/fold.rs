//! What is shown of a list of frames: runs of frames of libraries are one entry.
//!
//! Kept are the frames of the application, the frame that raised, and where a library was called, its first frame.

use super::blob::{Exception, Frame, Link};

/// Names of packages in one entry.
const PACKAGES: usize = 8;

#[derive(Debug, PartialEq, Eq)]
pub enum Entry<'e, 'a> {
    Frame(&'e Frame<'a>),
    /// Frames of libraries, two at least.
    Folded {
        frames: u32,
        /// The first of the packages, in the order in which they were called.
        packages: Vec<&'a str>,
        /// Whether there are more packages.
        has_more: bool,
    },
    /// Frames that were not captured.
    LeftOut(u32),
}

/// What is shown of frames. `left_out` of them are missing in the middle.
#[must_use]
pub fn entries<'e, 'a>(frames: &'e [Frame<'a>], left_out: u32, folds: bool) -> Vec<Entry<'e, 'a>> {
    let mut entries = Vec::with_capacity(frames.len());
    let mut run: &[Frame<'a>] = &[];
    for (index, frame) in frames.iter().enumerate() {
        let is_middle = left_out > 0 && index == frames.len() / 2;
        let is_kept = !folds
            || frame.is_application
            || index + 1 == frames.len()
            || index.checked_sub(1).is_some_and(|before| frames[before].is_application);
        if is_kept || is_middle {
            put_run(run, &mut entries);
            run = &[];
        }
        if is_middle {
            entries.push(Entry::LeftOut(left_out));
        }
        if is_kept {
            entries.push(Entry::Frame(frame));
        } else {
            run = &frames[index - run.len()..=index];
        }
    }
    entries
}

fn put_run<'e, 'a>(run: &'e [Frame<'a>], entries: &mut Vec<Entry<'e, 'a>>) {
    let frames = run.iter().fold(0_u32, |frames, frame| frames.saturating_add(frame.repeated));
    match run {
        [] => {}
        // The entry would be no shorter.
        [frame] if frames <= 1 => entries.push(Entry::Frame(frame)),
        run => {
            let (mut packages, mut has_more) = (Vec::new(), false);
            for package in run.iter().map(Frame::package).filter(|package| !package.is_empty()) {
                if !packages.contains(&package) {
                    has_more = packages.len() == PACKAGES;
                    if has_more {
                        break;
                    }
                    packages.push(package);
                }
            }
            entries.push(Entry::Folded { frames, packages, has_more });
        }
    }
}

/// Whether an exception, or one that led to it, passed code of the application. If none did, no frame is known to matter
/// more than another.
#[must_use]
pub fn has_application(exception: &Exception<'_>) -> bool {
    exception.frames.iter().any(|frame| frame.is_application) || related(exception).any(has_application)
}

/// The cause or context of an exception, and the members of a group.
pub fn related<'e, 'a>(exception: &'e Exception<'a>) -> impl Iterator<Item = &'e Exception<'a>> {
    let links = [&exception.cause, &exception.context].into_iter().filter_map(|link| match link {
        Link::To(other) => Some(&**other),
        Link::None | Link::LeftOut => None,
    });
    links.chain(exception.group.iter().flat_map(|group| &group.members))
}

#[cfg(test)]
mod tests {
    use super::super::blob::tests::frame;
    use super::*;

    /// Frames by name, those of libraries with their package before a colon.
    fn frames<'a>(names: &[&'a str]) -> Vec<Frame<'a>> {
        let of_library = |name: &str| name.contains(':');
        names.iter().map(|name| Frame { is_application: !of_library(name), origin: name, ..frame(name) }).collect()
    }

    fn shown(names: &[&str], left_out: u32) -> Vec<String> {
        entries(&frames(names), left_out, true)
            .iter()
            .map(|entry| match entry {
                Entry::Frame(frame) => frame.function.to_owned(),
                Entry::Folded { frames, packages, has_more } => format!("{frames} {} {has_more}", packages.join(",")),
                Entry::LeftOut(count) => format!("({count})"),
            })
            .collect()
    }

    #[test]
    fn runs_of_libraries_are_one_entry() {
        let names = ["uvicorn.a:f", "starlette:g", "starlette.b:h", "pay", "sql:a", "sql:b", "db:c", "sql:d"];
        assert_eq!(shown(&names, 0), ["3 uvicorn,starlette false", "pay", "sql:a", "2 sql,db false", "sql:d"]);
    }

    #[test]
    fn a_single_frame_stays() {
        assert_eq!(shown(&["a:f", "pay"], 0), ["a:f", "pay"]);
        assert_eq!(shown(&["pay", "a:f", "a:g", "a:h"], 0), ["pay", "a:f", "a:g", "a:h"]);
        let mut frames = frames(&["a:f", "pay"]);
        frames[0].repeated = 7;
        assert_eq!(entries(&frames, 0, true)[0], Entry::Folded { frames: 7, packages: vec!["a"], has_more: false });
    }

    #[test]
    fn frames_left_out_divide_a_run() {
        let names = ["a:1", "a:2", "a:3", "a:4", "a:5", "pay"];
        assert_eq!(shown(&names, 9), ["3 a false", "(9)", "2 a false", "pay"]);
    }

    #[test]
    fn packages_are_named_once_and_within_a_bound() {
        let names = ["a:", "b:", "a:", "c:", "d:", "e:", "f:", "g:", "h:", "h:", "pay"];
        assert_eq!(shown(&names, 0)[0], "10 a,b,c,d,e,f,g,h false");
        let names = ["a:", "b:", "c:", "d:", "e:", "f:", "g:", "h:", "i:", "pay"];
        assert_eq!(shown(&names, 0)[0], "9 a,b,c,d,e,f,g,h true");
    }

    #[test]
    fn nothing_is_folded_unless_it_is_asked_for() {
        let frames = frames(&["a:f", "a:g", "pay"]);
        assert!(entries(&frames, 0, false).iter().all(|entry| matches!(entry, Entry::Frame(_))));
    }
}
