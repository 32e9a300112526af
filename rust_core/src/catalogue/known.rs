//! The files that are known, without the file in which that stands.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::copies::copies;
use super::entry::{Closed, Entry, Generation, Mark};
use super::found::is_packed;
use super::lines::{self, Change};
use crate::rotation::Names;

/// Files by their generations: the later one was made later.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    files: BTreeMap<Generation, Entry>,
    next: Generation,
    /// How many records of each set are counted.
    counted: BTreeMap<String, u64>,
    /// Files of other programs that have names of rotated files.
    foreign: BTreeMap<String, Foreign>,
    /// The generation that has a name.
    names: BTreeMap<String, Generation>,
    /// By set and label: the first number that no file with a date had, also none that was deleted since.
    dated: BTreeMap<String, BTreeMap<String, u64>>,
    /// The numbers of levels that programs have named. Where several have given a name, the highest counts: then a search leaves none out.
    levels: BTreeMap<String, i32>,
}

/// So many names of levels are remembered.
const LEVELS: usize = 256;

/// So many labels of a set are remembered. Those before come again only where a clock is set far back.
const LABELS: usize = 100;

/// A file of another program, under a name that a rotated file of a set could have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    pub set: String,
    pub mark: Mark,
    /// Whether somebody has copied a rotated file of the set.
    pub is_copy: bool,
}

/// A file that is in the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub name: String,
    pub size: u64,
    pub inode: u64,
    /// Its first bytes, unpacked, as many as a mark needs.
    pub head: Vec<u8>,
    /// The generation that stands in a packed file.
    pub generation: Option<Generation>,
    /// It could not be read this time, and nothing is known of its bytes.
    pub is_unread: bool,
    /// When it was made, where the file system tells.
    pub born: Option<SystemTime>,
}

impl Known {
    pub fn apply(&mut self, changes: impl IntoIterator<Item = Change>) {
        for change in changes {
            match change {
                Change::Catalogue { next, .. } => self.next = self.next.max(next),
                // Files are renamed and deleted by these names.
                Change::File(entry) if !is_name(&entry.name) || !is_name(&entry.set) => {}
                Change::File(entry) => {
                    self.next = self.next.max(entry.generation.saturating_add(1));
                    self.name(entry.generation, None, &entry.set, &entry.name);
                    if let Some(before) = self.files.insert(entry.generation, entry) {
                        self.forget_name(before.generation, &before.name);
                    }
                }
                Change::Moved(names) => {
                    for (generation, name) in names.into_iter().filter(|(_, name)| is_name(name)) {
                        let Some(entry) = self.files.get_mut(&generation) else { continue };
                        let before = std::mem::replace(&mut entry.name, name.clone());
                        let set = entry.set.clone();
                        self.name(generation, Some(&before), &set, &name);
                    }
                }
                Change::Closed(generation, closed) => self.change(generation, |entry| entry.closed = Some(closed)),
                Change::Gone(generation) => {
                    if let Some(entry) = self.files.remove(&generation) {
                        self.forget_name(generation, &entry.name);
                    }
                }
                Change::Counted(set, next) => drop(self.counted.insert(set, next)),
                Change::Foreign { set, name, mark, is_copy } => {
                    self.foreign.insert(name, Foreign { set, mark, is_copy });
                }
                Change::ForeignGone(name) => drop(self.foreign.remove(&name)),
                Change::Dated(set, label, next) => self.note_date(&set, &label, next),
                Change::Levels(levels) => levels.into_iter().for_each(|(name, number)| self.note_level(name, number)),
            }
        }
    }

    fn note_level(&mut self, name: String, number: i32) {
        if self.levels.len() < LEVELS || self.levels.contains_key(&name) {
            let known = self.levels.entry(name).or_insert(number);
            *known = number.max(*known);
        }
    }

    /// Names of levels that programs have given, with their numbers.
    pub fn levels(&self) -> impl Iterator<Item = (&str, i32)> {
        self.levels.iter().map(|(name, number)| (name.as_str(), *number))
    }

    /// The number of a level that a program has named.
    #[must_use]
    pub fn level(&self, name: &str) -> Option<i32> {
        self.levels.get(name).copied()
    }

    /// Notes that a file has a name.
    fn name(&mut self, generation: Generation, before: Option<&str>, set: &str, name: &str) {
        if let Some(before) = before {
            self.forget_name(generation, before);
        }
        self.names.insert(name.to_owned(), generation);
        if let Some((label, number)) = Names::date(set, name) {
            self.note_date(set, label, number.saturating_add(1));
        }
    }

    fn forget_name(&mut self, generation: Generation, name: &str) {
        if self.names.get(name) == Some(&generation)
            && self.files.get(&generation).is_none_or(|entry| entry.name != name)
        {
            self.names.remove(name);
        }
    }

    fn note_date(&mut self, set: &str, label: &str, next: u64) {
        let labels = self.dated.entry(set.to_owned()).or_default();
        let known = labels.entry(label.to_owned()).or_default();
        *known = next.max(*known);
        if labels.len() > LABELS {
            labels.pop_first();
        }
    }

    /// The first number of dated names with this label that no file of the set had.
    #[must_use]
    pub fn next_dated(&self, set: &str, label: &str) -> u64 {
        self.dated.get(set).and_then(|labels| labels.get(label)).copied().unwrap_or(0)
    }

    fn change(&mut self, generation: Generation, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.files.get_mut(&generation) {
            change(entry);
        }
    }

    /// The generation of the next file.
    #[must_use]
    pub fn next(&self) -> Generation {
        self.next.max(1)
    }

    /// The same, and 0 if nothing was ever noted.
    pub(super) const fn next_noted(&self) -> Generation {
        self.next
    }

    #[must_use]
    pub fn get(&self, generation: Generation) -> Option<&Entry> {
        self.files.get(&generation)
    }

    /// All files, the oldest first.
    pub fn files(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.files.values()
    }

    /// Those of one set, the oldest first.
    pub fn of_set<'a>(&'a self, set: &'a str) -> impl DoubleEndedIterator<Item = &'a Entry> {
        self.files().filter(move |entry| entry.set == set)
    }

    /// The current file of a set, as it was known last.
    #[must_use]
    pub fn current(&self, set: &str) -> Option<&Entry> {
        self.files().rfind(|entry| entry.set == set && entry.closed.is_none())
    }

    /// The number of the next record of a set that is not counted yet.
    #[must_use]
    pub fn counted(&self, set: &str) -> u64 {
        self.counted.get(set).copied().unwrap_or(0)
    }

    /// Files of other programs that have names of rotated files, by these names.
    pub fn foreign(&self) -> impl Iterator<Item = (&str, &Foreign)> {
        self.foreign.iter().map(|(name, foreign)| (name.as_str(), foreign))
    }

    /// The file of another program that had this name when it was looked at.
    #[must_use]
    pub fn foreign_at(&self, name: &str) -> Option<&Foreign> {
        self.foreign.get(name)
    }

    /// Whether a file was found to be a copy of a rotated one. It stays one when the original is gone: it is no file of the library's to delete.
    fn is_noted_copy(&self, found: &Found) -> bool {
        let is_it = |known: &Foreign| known.is_copy && known.mark.inode == found.inode && known.mark.fits(&found.head);
        !found.head.is_empty() && self.foreign_at(&found.name).is_some_and(is_it)
    }

    /// The file of a set that has this name, as it was known last.
    #[must_use]
    pub fn named(&self, set: &str, name: &str) -> Option<&Entry> {
        let named = self.names.get(name).and_then(|generation| self.get(*generation));
        named.filter(|entry| entry.set == set && entry.name == name)
    }

    /// The generation of a file that is not known to be packed, whatever its name is by now.
    pub(super) fn original(&self, set: &str, found: &Found) -> Option<Generation> {
        let is_it = |entry: &&Entry| {
            !is_packed(&entry.name) && entry.mark.inode == found.inode && found.inode != 0 && fits(entry, found)
        };
        if is_packed(&found.name) { None } else { self.of_set(set).find(is_it).map(|entry| entry.generation) }
    }

    /// All that is known, as the lines of a new file.
    #[must_use]
    pub fn write(&self) -> String {
        let mut text = lines::write(&[lines::head(self.next())]);
        for entry in self.files() {
            text.push_str(&lines::write(&[Change::File(entry.clone())]));
        }
        for (set, next) in &self.counted {
            text.push_str(&lines::write(&[Change::Counted(set.clone(), *next)]));
        }
        for (name, Foreign { set, mark, is_copy }) in &self.foreign {
            let (set, name, mark, is_copy) = (set.clone(), name.clone(), *mark, *is_copy);
            text.push_str(&lines::write(&[Change::Foreign { set, name, mark, is_copy }]));
        }
        for (set, labels) in &self.dated {
            let changes: Vec<Change> =
                labels.iter().map(|(label, next)| Change::Dated(set.clone(), label.clone(), *next)).collect();
            text.push_str(&lines::write(&changes));
        }
        if !self.levels.is_empty() {
            let levels = self.levels().map(|(name, number)| (name.to_owned(), number)).collect();
            text.push_str(&lines::write(&[Change::Levels(levels)]));
        }
        text
    }

    /// The changes after which what is known of a set is what is there. A file is known again by its mark. One that is not known gets a generation,
    /// in the order in which `found` has them: the oldest first.
    ///
    /// `now` is in seconds since the epoch.
    #[must_use]
    pub fn reconcile(&self, set: &str, found: &[Found], now: i64) -> Vec<Change> {
        self.reconcile_with(set, found, now, &|_| true, &|_, _| false)
    }

    /// The same, where a file that is not known is of the set only if `is_credible` says so, and none that `is_same` as another one. The current file
    /// always is of the set: records are appended to it.
    #[must_use]
    pub fn reconcile_with(
        &self,
        set: &str,
        found: &[Found],
        now: i64,
        is_credible: &dyn Fn(&Found) -> bool,
        is_same: &dyn Fn(&Found, &Found) -> bool,
    ) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut left: Vec<&Entry> = self.of_set(set).collect();
        // The surest goes first: what the file says of itself, then name and number of the file system, then either of them. A copy of a packed file says
        // the same of itself.
        let rules: [fn(&Entry, &Found) -> bool; 7] = [
            // Where the whole directory was copied, nothing has its number, and everything its name.
            |entry, found| is_packed_here(entry, found) && entry.name == found.name,
            is_packed_here,
            |entry, found| found.is_unread && entry.name == found.name,
            |entry, found| fits(entry, found) && entry.mark.inode == found.inode && entry.name == found.name,
            |entry, found| fits(entry, found) && entry.mark.inode == found.inode,
            |entry, found| fits(entry, found) && entry.mark.length > 0 && entry.name == found.name,
            |entry, found| fits(entry, found) && entry.mark.length > 0,
        ];
        let mut open: Vec<&Found> = found.iter().filter(|found| !self.is_noted_copy(found)).collect();
        let mut matched: Vec<(&Entry, &Found)> = Vec::new();
        for rule in rules {
            open.retain(|found| {
                let Some(at) = left.iter().rposition(|entry| rule(entry, found)) else {
                    return true;
                };
                matched.push((left.remove(at), found));
                false
            });
        }
        let moved: Vec<_> = matched.iter().filter(|(entry, found)| entry.name != found.name).collect();
        if !moved.is_empty() {
            changes.push(Change::Moved(
                moved.iter().map(|(entry, found)| (entry.generation, found.name.clone())).collect(),
            ));
        }
        for (entry, found) in &matched {
            let is_current = found.name == set;
            if entry.mark.inode != found.inode && !found.is_unread {
                // A copy, or packed since.
                let mark = Mark { inode: found.inode, ..entry.mark };
                changes.push(Change::File(Entry { mark, name: found.name.clone(), ..(*entry).clone() }));
            }
            if !is_current && self.foreign.contains_key(&found.name) {
                changes.push(Change::ForeignGone(found.name.clone()));
            }
            if entry.closed.is_none() && !is_current {
                changes.push(Change::Closed(entry.generation, Closed { at: now, bytes: found.size, sequence: None }));
            }
        }
        changes.extend(left.iter().map(|entry| Change::Gone(entry.generation)));
        // What was known before is lost where there are files of which nothing is known. No number of then is given again: there were fewer
        // files than seconds.
        let mut next = if self.next == 0 { now.unsigned_abs().max(1) } else { self.next };
        // What a packed file says of itself goes before a new number.
        next = found.iter().filter_map(|found| Some(found.generation?.saturating_add(1))).fold(next, u64::max);
        let originals = matched.iter().map(|(_, found)| *found);
        let copies = copies(set, originals, open.iter().copied(), is_same);
        for found in open {
            let is_current = found.name == set;
            if found.is_unread {
                continue;
            }
            let is_foreign = !is_current && found.generation.is_none() && !is_credible(found);
            let is_copy = !is_foreign && copies.contains(&*found.name);
            if is_foreign || is_copy {
                let foreign = Foreign { set: set.to_owned(), mark: Mark::of(found.inode, &found.head), is_copy };
                if self.foreign_at(&found.name) != Some(&foreign) {
                    let (Foreign { set, mark, .. }, name) = (foreign, found.name.clone());
                    changes.push(Change::Foreign { set, name, mark, is_copy });
                }
                continue;
            }
            if self.foreign.contains_key(&found.name) {
                changes.push(Change::ForeignGone(found.name.clone()));
            }
            let generation = found.generation.filter(|generation| self.get(*generation).is_none()).unwrap_or(next);
            next = next.max(generation.saturating_add(1));
            changes.push(Change::File(Entry {
                generation,
                set: set.to_owned(),
                name: found.name.clone(),
                mark: Mark::of(found.inode, &found.head),
                made: 0,
                period: None,
                closed: (!is_current).then_some(Closed { at: now, bytes: found.size, sequence: None }),
            }));
        }
        changes
    }
}

/// Whether it names a file of the directory that may be a log.
fn is_name(name: &str) -> bool {
    !name.starts_with('.') && !name.is_empty() && !name.contains(['/', '\\', '\0'])
}

fn fits(entry: &Entry, found: &Found) -> bool {
    !found.head.is_empty() && entry.mark.fits(&found.head)
}

/// Whether the library has packed a file, and it says so itself.
fn is_packed_here(entry: &Entry, found: &Found) -> bool {
    fits(entry, found) && found.generation == Some(entry.generation)
}
