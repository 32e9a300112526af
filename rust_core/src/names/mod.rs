//! What records of one process refer to by number: call sites, loggers, threads, and the names given to levels.
//!
//! All of it is also kept in the form of the list of names, which followers (the black boxes) repeat: a number is given out only
//! once every follower knows what it means.

mod written;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

pub use written::{ROOM, read};

use crate::additions::Additions;
use crate::level;
use crate::record::Site;
use crate::table::{Table, lock_briefly};

/// Repeats the list of names somewhere else.
pub trait Follower: Send + Sync + std::fmt::Debug {
    /// Appends an entry. There is room: no list of names is longer than `ROOM`.
    fn append(&self, entry: &[u8]);
}

/// Levels that can be given a name, and different names. A program has a handful.
const LEVELS: usize = 256;
/// Characters of a level's name.
const LEVEL_NAME: usize = 256;
/// Names of levels, given again and again, that go into the list of names: records recovered later show an earlier one of the level then.
const RENAMES: u64 = 1_024;

#[derive(Debug, Default)]
struct Written {
    bytes: Vec<u8>,
    followers: Vec<Arc<dyn Follower>>,
}

/// The names of one process.
#[derive(Debug)]
pub struct Names {
    pub sites: Table<Site>,
    pub loggers: Table<String>,
    pub threads: Table<String>,
    /// Levels that the application gave a name, with its place among `level_names`; and how often it gave one.
    levels: Additions<(i32, AtomicU32)>,
    level_names: Table<String>,
    generation: AtomicU64,
    written: Mutex<Written>,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            sites: Table::new(16_384),
            loggers: Table::new(16_384),
            threads: Table::new(4_096),
            levels: Additions::new(),
            level_names: Table::new(LEVELS),
            generation: AtomicU64::new(0),
            written: Mutex::default(),
        }
    }
}

static HERE: LazyLock<Arc<Names>> = LazyLock::new(Arc::default);

/// The names of this process. One for the process: records outlive queues.
#[must_use]
pub fn here() -> &'static Arc<Names> {
    &HERE
}

impl Names {
    /// The number of a call site; `None` when it has to travel inside the record.
    pub fn site(&self, site: Site) -> Option<u32> {
        self.sites.intern(site, |number, site| self.publish(&written::site(number, site)))
    }

    pub fn logger(&self, name: String) -> Option<u32> {
        self.loggers.intern(name, |number, name| self.publish(&written::text(written::LOGGER, number, name)))
    }

    pub fn thread(&self, name: String) -> Option<u32> {
        self.threads.intern(name, |number, name| self.publish(&written::text(written::THREAD, number, name)))
    }

    /// Names a level from now on, unless that is its name already. Of a long name the beginning counts. Where there are too many names
    /// the level keeps the one it has.
    pub fn set_level_name(&self, level: i32, name: &str) {
        let name = bounded_level_name(name);
        if self.level_name(level) == name {
            return;
        }
        let Some(index) = self.level_names.intern(name.to_owned(), |_, _| true) else { return };
        let is_known = self.levels.iter().any(|(number, _)| *number == level);
        if !is_known && self.levels.iter().count() >= LEVELS {
            return;
        }
        let known = self.levels.find_or_add(|(number, _)| *number == level, || (level, AtomicU32::new(index)));
        known.1.store(index, Ordering::Release);
        if self.generation.fetch_add(1, Ordering::Release) < RENAMES {
            // Without room in the list of names, records recovered later show the number.
            self.publish(&written::text(written::LEVEL, level.cast_unsigned(), name));
        }
    }

    /// Changes with every name given to a level, so that caches of names see whether they still hold.
    #[must_use]
    pub fn level_generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The levels that the application has named, with their numbers.
    #[must_use]
    pub fn named_levels(&self) -> Vec<(String, i32)> {
        let name =
            |index: &AtomicU32| self.level_names.get(index.load(Ordering::Acquire)).map(|name| String::clone(name));
        self.levels.iter().filter_map(|(number, index)| Some((name(index)?, *number))).collect()
    }

    /// The name of a level as it stands in a record: the one given, the standard one, or `Level N`.
    #[must_use]
    pub fn level_name(&self, level: i32) -> Cow<'static, str> {
        if self.level_generation() > 0 {
            let given = self.levels.iter().find(|(number, _)| *number == level);
            let index = given.map(|(_, index)| index.load(Ordering::Acquire));
            if let Some(name) = index.and_then(|index| self.level_names.get(index)) {
                return String::clone(name).into();
            }
        }
        level::name(level)
    }

    /// Whether half of the list of names is taken: the rest is for what records cannot do without.
    #[must_use]
    pub fn is_half_full(&self) -> bool {
        lock_briefly(&self.written).is_none_or(|written| written.bytes.len() > ROOM / 2)
    }

    fn publish(&self, entry: &[u8]) -> bool {
        let Some(mut written) = lock_briefly(&self.written) else { return false };
        if written.bytes.len() + entry.len() > ROOM {
            return false;
        }
        written.bytes.extend_from_slice(entry);
        for follower in &written.followers {
            follower.append(entry);
        }
        true
    }

    /// Tells a follower all there is, and all that will come. False when a fork left the list of names locked.
    #[must_use]
    pub fn follow(&self, follower: Arc<dyn Follower>) -> bool {
        let Some(mut written) = lock_briefly(&self.written) else { return false };
        follower.append(&written.bytes);
        written.followers.push(follower);
        true
    }

    /// Lets a follower go.
    pub fn unfollow(&self, follower: &Arc<dyn Follower>) -> bool {
        let Some(mut written) = lock_briefly(&self.written) else { return false };
        written.followers.retain(|known| !Arc::ptr_eq(known, follower));
        true
    }

    /// In a forked child: what follows belongs to the parent.
    pub fn forget_followers(&self) {
        if let Some(mut written) = lock_briefly(&self.written) {
            std::mem::forget(std::mem::take(&mut written.followers));
        }
    }

    /// Names read from a list of names: numbers are those that stand there, in order. `None` if one stands there twice: then those
    /// after it would have others' numbers.
    fn from_parts(
        sites: Vec<Site>,
        loggers: Vec<String>,
        threads: Vec<String>,
        levels: HashMap<i32, String>,
    ) -> Option<Self> {
        let names = Self {
            sites: Table::new(usize::MAX),
            loggers: Table::new(usize::MAX),
            threads: Table::new(usize::MAX),
            ..Self::default()
        };
        if !names.sites.fill(sites) || !names.loggers.fill(loggers) || !names.threads.fill(threads) {
            return None;
        }
        for (level, name) in levels {
            names.set_level_name(level, &name);
        }
        Some(names)
    }
}

/// What of a level's name is shown.
#[must_use]
pub fn bounded_level_name(name: &str) -> &str {
    name.char_indices().nth(LEVEL_NAME).map_or(name, |(end, _)| &name[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_can_be_given_a_name_and_the_last_one_counts() {
        let names = Names::default();
        assert_eq!(names.level_name(21), "Level 21");
        names.set_level_name(21, "NOTICE");
        names.set_level_name(21, "NOTED");
        assert_eq!(names.level_name(21), "NOTED");
        assert_eq!(names.level_generation(), 2);
    }

    /// Seen to fill the list of names, so that nothing else got a number any more.
    #[test]
    fn names_of_levels_are_bounded() {
        let names = Names::default();
        for turn in 0..100_000 {
            names.set_level_name(20, if turn % 2 == 0 { "a" } else { "b" });
        }
        assert_eq!(names.level_name(20), "b");
        for number in 0..1_000 {
            names.set_level_name(1_000 + number, &format!("{number}{}", "x".repeat(10_000)));
        }
        assert_eq!(names.level_name(1_001).len(), LEVEL_NAME);
        assert_eq!(names.level_name(1_999), "Level 1999");
        assert!(!names.is_half_full());
    }

    #[derive(Debug, Default)]
    struct Copy(Mutex<Vec<u8>>);

    impl Follower for Copy {
        fn append(&self, entry: &[u8]) {
            self.0.lock().unwrap().extend_from_slice(entry);
        }
    }

    #[test]
    fn a_follower_knows_what_came_before_it_and_after() {
        let names = Names::default();
        let site = |line| Site {
            module: "m".into(),
            function: "f".into(),
            line,
            fields: vec!["a".into(), "键".into()],
            message: (line > 1).then(|| "处理".into()),
        };
        names.site(site(1));
        names.logger("app".into());
        let copy = Arc::<Copy>::default();
        assert!(names.follow(copy.clone()));
        names.site(site(2));
        names.thread("MainThread".into());
        names.set_level_name(21, "NOTICE");
        let read = read(&copy.0.lock().unwrap()).unwrap();
        assert_eq!(**read.sites.get(0).unwrap(), site(1));
        assert_eq!(**read.sites.get(1).unwrap(), site(2));
        assert_eq!(**read.loggers.get(0).unwrap(), "app");
        assert_eq!(**read.threads.get(0).unwrap(), "MainThread");
        assert_eq!(read.level_name(21), "NOTICE");
    }

    #[test]
    fn a_catalog_that_repeats_itself_is_not_whole() {
        let loggers = |names: [&str; 2]| {
            (0..).zip(names).flat_map(|(number, name)| written::text(written::LOGGER, number, name)).collect::<Vec<_>>()
        };
        assert_eq!(**read(&loggers(["a", "b"])).unwrap().loggers.get(1).unwrap(), "b");
        assert!(read(&loggers(["a", "a"])).is_none());
    }

    #[test]
    fn a_full_catalog_gives_out_no_more_numbers() {
        let names = Names::default();
        assert_eq!(names.logger("x".repeat(ROOM)), None);
        assert_eq!(names.logger("y".into()), Some(0));
    }
}
