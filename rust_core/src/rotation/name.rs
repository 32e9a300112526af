//! What rotated files are called.

use serde::{Deserialize, Serialize};

use super::keep::Keep;

/// What packing adds to a name.
pub const PACKED: [&str; 2] = [".gz", ".zst"];

/// The name that a file had before it was packed.
#[must_use]
pub fn unpacked(name: &str) -> &str {
    PACKED.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name)
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Names {
    /// `app.log.1` is the newest, and each moves on by one.
    #[default]
    Numbers,
    /// `app-2026-02-19.log`, by the period of its records, and `app-2026-02-19.log.1` for the next one of the same period.
    Dates,
}

/// One step of a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// To a name that is free.
    Rename(String, String),
    /// To the name of a file that goes.
    Replace(String, String),
    Remove(String),
}

/// What has a name in the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum There {
    Nothing,
    /// A file of the set.
    Ours,
    /// Something that somebody else has put there: it is never moved, replaced or removed.
    Foreign,
}

impl Names {
    /// The steps of one rotation of the file `current`, in order. `label` dates the period of its records.
    ///
    /// With numbers, names move on up to the first number that is free: after a rotation that was cut short, the gap it left is filled, and the
    /// oldest file stays. Without a gap, the file at the last number goes. A number at which something foreign lies is stepped over, and does not count among
    /// those that there are. With dates, no file ever moves again, none is replaced, and no name is given twice: `first` is the first number of this label
    /// that no file had.
    pub fn steps(
        self,
        current: &str,
        label: &str,
        first: u64,
        keep: &Keep,
        there: impl Fn(&str) -> There,
    ) -> Vec<Step> {
        match self {
            Self::Numbers => shift(current, keep.files, there),
            Self::Dates => {
                let free = |name: &String| forms(name).all(|form| there(&form) == There::Nothing);
                let dated = dated(current, label);
                let name = |number| if number == 0 { dated.clone() } else { format!("{dated}.{number}") };
                (first..).map(name).find(free).map(|name| Step::Rename(current.to_owned(), name)).into_iter().collect()
            }
        }
    }

    /// Whether `name` is that of a rotated file of `current`, packed or not.
    #[must_use]
    pub fn is_rotated(current: &str, name: &str) -> bool {
        Self::number(current, name).is_some() || Self::date(current, name).is_some()
    }

    /// The label and the number of a name with a date, packed or not; the number is 0 for the first name of its label.
    #[must_use]
    pub fn date<'n>(current: &str, name: &'n str) -> Option<(&'n str, u64)> {
        let plain = unpacked(name);
        let (stem, extension) = parts(current);
        let rest = plain.strip_prefix(stem)?.strip_prefix('-')?;
        let end = rest
            .find(|character: char| !(character.is_ascii_digit() || "-T".contains(character)))
            .unwrap_or(rest.len());
        let (label, rest) = rest.split_at(end);
        let rest = rest.strip_prefix(extension)?;
        let number = if rest.is_empty() { Some(0) } else { number_behind(rest, "") };
        number.filter(|_| is_label(label)).map(|number| (label, number))
    }

    /// The number of `app.log.3`, packed or not: the highest is the oldest. `None` for other names, and for those with dates.
    #[must_use]
    pub fn number(current: &str, name: &str) -> Option<u64> {
        let plain = unpacked(name);
        number_behind(plain, current)
    }

    /// The name of the current file of which a file of this name would be a rotated one; `None` if it has no such name.
    #[must_use]
    pub fn current_of(name: &str) -> Option<String> {
        let plain = unpacked(name);
        let base = match plain.rsplit_once('.') {
            Some((base, _)) if number_behind(plain, base).is_some() => base,
            _ => plain,
        };
        let dated = base.match_indices('-').find_map(|(at, _)| {
            let (stem, rest) = (&base[..at], &base[at + 1..]);
            let current = format!("{stem}{}", rest.find('.').map_or("", |dot| &rest[dot..]));
            (!stem.is_empty() && Self::is_rotated(&current, name)).then_some(current)
        });
        dated.or_else(|| (base != plain && !base.is_empty()).then(|| base.to_owned()))
    }
}

/// The number of `base.N`, without zeros ahead.
fn number_behind(name: &str, base: &str) -> Option<u64> {
    let digits = name.strip_prefix(base)?.strip_prefix('.')?;
    let is_number = !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { digits.parse().ok() } else { None }
}

/// `2026-02-19`, with `T` and two to six digits behind it where periods are shorter than a day.
fn is_label(label: &str) -> bool {
    let (date, time) = label.split_once('T').unwrap_or((label, "00"));
    let number = |text: Option<&str>, length: usize| {
        let text = text.filter(|text| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit()));
        text.and_then(|text| text.parse::<u32>().ok())
    };
    let mut parts = date.split('-');
    let date = [4, 2, 2].map(|length| number(parts.next(), length));
    let is_date = matches!(date, [Some(_), Some(1..=12), Some(1..=31)]) && parts.next().is_none();
    let of_time = |at: usize| number(time.get(at..at + 2), 2);
    is_date
        && matches!(time.len(), 2 | 4 | 6)
        && matches!(of_time(0), Some(0..=23))
        && (2..time.len()).step_by(2).all(|at| matches!(of_time(at), Some(0..=59)))
}

/// What stands before the date, and what behind it.
fn parts(current: &str) -> (&str, &str) {
    match current.rfind('.') {
        Some(dot) if dot > 0 => current.split_at(dot),
        _ => (current, ""),
    }
}

fn dated(current: &str, label: &str) -> String {
    let (stem, extension) = parts(current);
    format!("{stem}-{label}{extension}")
}

/// A name, and those that it has packed.
fn forms(name: &str) -> impl Iterator<Item = String> {
    [""].into_iter().chain(PACKED).map(move |packed| format!("{name}{packed}"))
}

fn shift(current: &str, count: Option<u32>, there: impl Fn(&str) -> There) -> Vec<Step> {
    let most = count.unwrap_or(u32::MAX).max(1);
    // The numbers that take part, up to the first free one, each with the forms that a file of the set has there.
    let mut slots: Vec<(String, Vec<String>)> = Vec::new();
    for number in 1..=u32::MAX {
        let name = format!("{current}.{number}");
        let states: Vec<_> = forms(&name).map(|form| (there(&form), form)).collect();
        // A file of the set that shares its number with a foreign one stays where it is.
        if states.iter().any(|(state, _)| *state == There::Foreign) {
            continue;
        }
        let ours: Vec<_> =
            states.into_iter().filter(|(state, _)| *state == There::Ours).map(|(_, form)| form).collect();
        let is_last = ours.is_empty() || u32::try_from(slots.len() + 1).is_ok_and(|length| length == most);
        slots.push((name, ours));
        if is_last {
            break;
        }
    }
    let mut steps = Vec::new();
    for (place, (to, replaced)) in slots.iter().enumerate().rev() {
        let own = (current.to_owned(), vec![current.to_owned()]);
        let (from, moving) = if place == 0 { &own } else { &slots[place - 1] };
        let target = |name: &String| format!("{to}{}", &name[from.len()..]);
        if place + 1 == slots.len() {
            // What would not be replaced, because it is packed and its successor is not, or the other way round.
            let is_replaced = |form: &&String| moving.iter().any(|name| target(name) == **form);
            steps.extend(replaced.iter().filter(|form| !is_replaced(form)).cloned().map(Step::Remove));
        }
        steps.extend(moving.iter().map(|name| {
            let (name, target) = (name.clone(), target(name));
            // What has come to a number that was free is not known here, and does not go.
            if place + 1 == slots.len() && replaced.contains(&target) {
                Step::Replace(name, target)
            } else {
                Step::Rename(name, target)
            }
        }));
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn rename(from: &str, to: &str) -> Step {
        Step::Rename(from.into(), to.into())
    }

    fn replace(from: &str, to: &str) -> Step {
        Step::Replace(from.into(), to.into())
    }

    fn steps(names: Names, files: Option<u32>, there: &[&str]) -> Vec<Step> {
        let keep = Keep { files, ..Keep::default() };
        names.steps("a.log", "2026-02-19", 0, &keep, |name| state(there.contains(&name)))
    }

    fn state(is_there: bool) -> There {
        if is_there { There::Ours } else { There::Nothing }
    }

    /// The same beside files of another program.
    fn steps_beside(foreign: &[&str], files: Option<u32>, there: &[&str]) -> Vec<Step> {
        let keep = Keep { files, ..Keep::default() };
        let state = |name: &str| if foreign.contains(&name) { There::Foreign } else { state(there.contains(&name)) };
        Names::Numbers.steps("a.log", "2026-02-19", 0, &keep, state)
    }

    #[test]
    fn a_number_that_another_program_has_is_stepped_over() {
        let there = ["a.log", "a.log.1", "a.log.3", "a.log.4"];
        let expected = [replace("a.log.3", "a.log.4"), rename("a.log.1", "a.log.3"), rename("a.log", "a.log.1")];
        assert_eq!(steps_beside(&["a.log.2"], Some(3), &there), expected);
        assert_eq!(steps_beside(&["a.log.2.gz"], Some(3), &there), expected, "whatever its form");
        // At the last number: the next one is the last.
        let expected = [replace("a.log.1", "a.log.3"), rename("a.log", "a.log.1")];
        assert_eq!(steps_beside(&["a.log.2"], Some(2), &["a.log", "a.log.1", "a.log.3"]), expected);
        assert_eq!(steps_beside(&["a.log.1"], Some(1), &["a.log"]), [rename("a.log", "a.log.2")]);
        assert_eq!(steps_beside(&["a.log.1", "a.log.2"], None, &["a.log"]), [rename("a.log", "a.log.3")]);
    }

    #[test]
    fn a_file_beside_that_of_another_program_stays_where_it_is() {
        let there = ["a.log", "a.log.1", "a.log.2.zst", "a.log.3"];
        let expected = [replace("a.log.1", "a.log.3"), rename("a.log", "a.log.1")];
        assert_eq!(steps_beside(&["a.log.2"], Some(2), &there), expected);
    }

    #[test]
    fn the_oldest_moves_first() {
        let all = steps(Names::Numbers, Some(2), &["a.log", "a.log.1", "a.log.2"]);
        assert_eq!(all, [replace("a.log.1", "a.log.2"), rename("a.log", "a.log.1")]);
    }

    #[test]
    fn a_gap_is_filled_before_anything_goes() {
        let all = steps(Names::Numbers, Some(5), &["a.log", "a.log.1", "a.log.3", "a.log.4", "a.log.5"]);
        assert_eq!(all, [rename("a.log.1", "a.log.2"), rename("a.log", "a.log.1")]);
    }

    #[test]
    fn packed_files_move_along_and_the_last_one_goes_whatever_its_form() {
        let all = steps(Names::Numbers, Some(2), &["a.log", "a.log.1.zst", "a.log.2.gz"]);
        assert_eq!(
            all,
            [Step::Remove("a.log.2.gz".into()), rename("a.log.1.zst", "a.log.2.zst"), rename("a.log", "a.log.1")]
        );
    }

    #[test]
    fn where_all_stay_numbers_go_on() {
        let all = steps(Names::Numbers, None, &["a.log", "a.log.1", "a.log.2.gz"]);
        assert_eq!(all, [rename("a.log.2.gz", "a.log.3.gz"), rename("a.log.1", "a.log.2"), rename("a.log", "a.log.1")]);
    }

    #[test]
    fn a_dated_name_that_is_taken_gets_the_next_number() {
        let next = |there: &[&str]| steps(Names::Dates, Some(1), there);
        assert_eq!(next(&[]), [rename("a.log", "a-2026-02-19.log")]);
        let later = Names::Dates.steps("a.log", "2026-02-19", 2, &Keep::default(), |_| There::Nothing);
        assert_eq!(later, [rename("a.log", "a-2026-02-19.log.2")], "what went before had names too");
        assert_eq!(next(&["a-2026-02-19.log.zst"]), [rename("a.log", "a-2026-02-19.log.1")]);
        assert_eq!(next(&["a-2026-02-19.log", "a-2026-02-19.log.1.gz"]), [rename("a.log", "a-2026-02-19.log.2")]);
    }

    #[test]
    fn rotated_files_are_known_by_their_names_and_others_are_not() {
        for name in ["a.log.1", "a.log.12.zst", "a-2026-02-19.log", "a-2026-02-19T23.log.4.gz", "a-2026-02-19T2359.log"]
        {
            assert!(Names::is_rotated("a.log", name), "{name}");
        }
        for name in [
            "a.log",
            "a.log.bak",
            "a.log.0",
            "a.log.01",
            "a.log.",
            "b.log.1",
            "a-2026.log",
            "a-2026-02-19.txt",
            "a-2026-13-01.log",
            "a-2026-01-32.log",
            "a-2026-01-01T24.log",
            "a-2026-01-01T2360.log",
            "a.log.1.xz",
        ] {
            assert!(!Names::is_rotated("a.log", name), "{name}");
        }
        assert!(Names::is_rotated("log", "log-2026-02-19.3"));
    }

    #[test]
    fn a_rotated_file_tells_whose_it_is() {
        for (name, current) in [
            ("a.log.1", Some("a.log")),
            ("a.log.12.zst", Some("a.log")),
            ("a-2026-02-19.log", Some("a.log")),
            ("a-b-2026-02-19T23.log.4.gz", Some("a-b.log")),
            ("log-2026-02-19.3", Some("log")),
            ("a.log", None),
            ("a-b.log", None),
            ("a.log.bak", None),
        ] {
            assert_eq!(Names::current_of(name).as_deref(), current, "{name}");
        }
        assert_eq!(Names::number("a.log", "a.log.12.gz"), Some(12));
        assert_eq!(Names::number("a.log", "a-2026-02-19.log.2"), None);
    }

    proptest! {
        /// No step loses a file that should stay, whatever lies in the directory, nor touches one of somebody else.
        #[test]
        fn no_file_is_lost(
            numbers in prop::collection::btree_map(1_u32..8, 0_usize..3, 0..7), files in prop::option::of(1_u32..8), dates: bool,
            strange in prop::collection::btree_map(1_u32..10, 0_usize..3, 0..5)
        ) {
            let forms = ["", ".gz", ".zst"];
            let named = |numbers: &BTreeMap<u32, usize>| -> BTreeMap<String, u32> {
                numbers.iter().map(|(number, form)| (format!("a.log.{number}{}", forms[*form]), *number)).collect()
            };
            let foreign = named(&strange);
            let mut there = named(&numbers);
            there.retain(|name, _| !foreign.contains_key(name));
            there.insert("a.log".into(), 0);
            let names = if dates { Names::Dates } else { Names::Numbers };
            let before = there.clone();
            let keep = Keep { files, ..Keep::default() };
            let mut gone = 0;
            let state = |name: &str| if foreign.contains_key(name) { There::Foreign } else { state(before.contains_key(name)) };
            for step in names.steps("a.log", "2026-02-19", 0, &keep, state) {
                match step {
                    Step::Remove(name) => {
                        prop_assert!(!foreign.contains_key(&name));
                        gone += usize::from(there.remove(&name).is_some());
                    }
                    Step::Rename(from, to) => {
                        prop_assert!(!foreign.contains_key(&from) && !foreign.contains_key(&to));
                        let file = there.remove(&from).unwrap();
                        prop_assert!(there.insert(to, file).is_none());
                    }
                    Step::Replace(from, to) => {
                        let file = there.remove(&from).unwrap();
                        prop_assert!(there.insert(to, file).is_some());
                        gone += 1;
                    }
                }
            }
            // The numbers that are left to the set are full.
            let own = (1_u32..).filter(|number| !strange.contains_key(number));
            let is_full = !dates && files.is_some_and(|files| {
                own.take(files as usize).all(|number| numbers.contains_key(&number))
            });
            prop_assert_eq!(gone, usize::from(is_full));
            prop_assert_eq!(there.len(), before.len() - gone);
            prop_assert!(!there.contains_key("a.log"));
        }
    }
}
