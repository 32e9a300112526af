//! Patterns in texts: the chosen ones of this library, and the application's.

use std::collections::HashSet;
use std::ops::Range;

use regex_automata::meta::{Cache, Config, Regex};
use regex_automata::util::captures::Captures;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, PatternID};

use super::builtin::{BUILTIN, Builtin, Check, Checked, PAIRS, When};
use super::card;
use super::kinds::{self, Kinds};
use super::spec::{Action, Spec, Wrong};
use super::work;

/// Bytes that the compiled form of the application's expressions may take, and of what is remembered of a search.
const COMPILED: usize = 4 << 20;
const REMEMBERED: usize = 2 << 20;
/// The most secrets of one text. From the last of them on, the whole text counts as secret. That bounds the time of a
/// search.
const FINDS: usize = 1_000;
/// Digits of the shortest card.
const CARD: usize = 13;
/// Bytes of the shortest secret that is always searched: `Basic` and eight letters.
const SHORTEST: usize = 14;
/// The index of the application's set.
const CUSTOM: usize = 3;

/// A pattern of secrets.
#[derive(Debug)]
pub struct Rule {
    pub name: String,
    pub action: Action,
    check: Check,
    /// The group that is the secret: the whole of it is 0.
    group: usize,
}

/// A part of a text that is a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    pub range: Range<usize>,
    pub action: Action,
    /// The pattern's rule. `None` if the secret was found by the name before it.
    pub rule: Option<u16>,
}

/// Expressions that are searched in one pass.
#[derive(Debug)]
struct Set {
    regex: Regex,
    /// The number of the first one's rule.
    first: u16,
}

#[derive(Debug)]
pub struct Patterns {
    pub rules: Vec<Rule>,
    always: Option<Set>,
    at: Option<Set>,
    digits: Option<Set>,
    custom: Option<Set>,
    /// Whether texts are searched for names.
    pub pairs: bool,
}

/// Caches of one thread's searches.
#[derive(Debug)]
pub struct Memory(Vec<Option<(Cache, Captures)>>);

impl Patterns {
    /// # Errors
    /// When a name is not known, or an expression is none.
    pub fn new(spec: &Spec) -> Result<Self, Wrong> {
        let known = |name: &str| name == PAIRS || BUILTIN.iter().any(|builtin| builtin.name == name);
        if let Some(unknown) = spec.patterns.iter().find(|name| !known(name)) {
            let names: Vec<_> = names().collect();
            return Err(Wrong::new("redaction.patterns", unknown, format!("one of {}", names.join(", "))));
        }
        let mut rules = Vec::new();
        let wanted = |when| {
            let wanted =
                move |builtin: &&Builtin| builtin.when == when && spec.patterns.iter().any(|name| name == builtin.name);
            BUILTIN.iter().filter(wanted).map(|builtin| (builtin.name, builtin.pattern, builtin.check))
        };
        let own =
            |name: &str, pattern: &str, reason: String| Wrong::new(format!("redaction.custom.{name}"), pattern, reason);
        let mut set = |patterns: Vec<(&str, &str, Check)>| Set::new(&patterns, spec, &mut rules);
        let always = set(wanted(When::Always).collect())?;
        let at = set(wanted(When::At).collect())?;
        let digits = set(wanted(When::Digits).collect())?;
        let mut taken = HashSet::new();
        for (name, pattern) in &spec.custom {
            if known(name) || matches!(name.as_str(), "keys" | "allow" | "") || !taken.insert(name) {
                return Err(own(name, pattern, "under a name that no other pattern has".into()));
            }
            // Compiled on its own first, to know which one is wrong.
            compile(&[pattern]).map_err(|reason| own(name, pattern, reason))?;
        }
        let all = spec.custom.iter().map(|(name, pattern)| (name.as_str(), pattern.as_str(), all_of_it as Check));
        let custom = set(all.collect())?;
        let pairs = spec.patterns.iter().any(|name| name == PAIRS);
        Ok(Self { rules, always, at, digits, custom, pairs })
    }

    fn sets(&self) -> [&Option<Set>; CUSTOM + 1] {
        [&self.always, &self.at, &self.digits, &self.custom]
    }

    #[must_use]
    pub fn memory(&self) -> Memory {
        let one = |set: &Set| (set.regex.create_cache(), set.regex.create_captures());
        Memory(self.sets().map(|set| set.as_ref().map(one)).into())
    }

    /// Adds what is found in a text, of each kind in its order.
    #[inline]
    pub fn find(&self, memory: &mut Memory, text: &str, kinds: Kinds, found: &mut Vec<Match>) {
        let [always, at, digits, custom] = &mut memory.0[..] else { return };
        if let (Some(set), Some(memory)) = (&self.always, always)
            && text.len() >= SHORTEST
        {
            set.find(&self.rules, memory, text, found);
        }
        if let (Some(set), Some(memory)) = (&self.at, at)
            && kinds.have(kinds::AT)
        {
            set.find(&self.rules, memory, text, found);
        }
        if let (Some(set), Some(memory)) = (&self.digits, digits)
            && kinds.digits() >= CARD
        {
            set.find(&self.rules, memory, text, found);
        }
        if let (Some(set), Some(memory)) = (&self.custom, custom) {
            set.find(&self.rules, memory, text, found);
        }
    }

    /// Whether texts are searched at all.
    pub fn searches_texts(&self) -> bool {
        self.pairs || self.sets().iter().any(|set| set.is_some())
    }

    /// Bytes of the shortest number in which there can be a secret.
    #[inline]
    pub fn shortest_number(&self) -> usize {
        if self.custom.is_some() { 1 } else { CARD }
    }

    /// Adds what is found in a number: a card is all of it, and the application's expressions see it as a text.
    pub fn find_in_number(&self, memory: &mut Memory, number: &str, found: &mut Vec<Match>) {
        if let Some(set) = self.digits.as_ref().filter(|_| card::is_number(number)) {
            let action = self.rules[usize::from(set.first)].action;
            found.push(Match { range: 0..number.len(), action, rule: Some(set.first) });
        }
        if let (Some(set), Some(Some(memory))) = (&self.custom, memory.0.get_mut(CUSTOM)) {
            set.find(&self.rules, memory, number, found);
        }
    }
}

/// The names of all patterns of this library.
pub fn names() -> impl Iterator<Item = &'static str> {
    BUILTIN.iter().map(|builtin| builtin.name).chain([PAIRS])
}

fn all_of_it(_: &str, _: Range<usize>, secret: Range<usize>) -> Checked {
    Checked::Secret(secret)
}

fn compile(patterns: &[&str]) -> Result<Regex, String> {
    let config = Config::new().nfa_size_limit(Some(COMPILED)).hybrid_cache_capacity(REMEMBERED);
    let mut builder = Regex::builder();
    builder.configure(config).syntax(syntax::Config::new().nest_limit(50));
    builder.build_many(patterns).map_err(|error| {
        let reason = error.syntax_error().map_or_else(|| error.to_string(), ToString::to_string);
        let last = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        match error.size_limit() {
            Some(_) => format!("a regular expression that takes at most {} MiB compiled", COMPILED >> 20),
            None => format!("a regular expression ({last})"),
        }
    })
}

impl Set {
    fn new(patterns: &[(&str, &str, Check)], spec: &Spec, rules: &mut Vec<Rule>) -> Result<Option<Self>, Wrong> {
        if patterns.is_empty() {
            return Ok(None);
        }
        let texts: Vec<_> = patterns.iter().map(|(_, pattern, _)| *pattern).collect();
        let regex = compile(&texts).map_err(|reason| Wrong::new("redaction.custom", "all of them together", reason))?;
        let first = u16::try_from(rules.len()).unwrap_or(u16::MAX);
        for (index, (name, _, check)) in patterns.iter().enumerate() {
            let group = regex.group_info().to_index(PatternID::must(index), "secret").unwrap_or(0);
            rules.push(Rule { name: (*name).to_owned(), action: spec.action_of(name), check: *check, group });
        }
        Ok(Some(Self { regex, first }))
    }

    #[inline]
    fn find(&self, rules: &[Rule], memory: &mut (Cache, Captures), text: &str, found: &mut Vec<Match>) {
        if self.regex.search_half_with(&mut memory.0, &Input::new(text).earliest(true)).is_some() {
            self.find_all(rules, memory, text, found);
        }
    }

    #[cold]
    fn find_all(&self, rules: &[Rule], (cache, captures): &mut (Cache, Captures), text: &str, found: &mut Vec<Match>) {
        let (mut from, mut count) = (0, 0);
        while from <= text.len() {
            let Some(at) = self.regex.search_with(cache, &Input::new(text).range(from..)) else { return };
            work::add(at.end() - from);
            let number = self.first + at.pattern().as_u32() as u16;
            let rule = &rules[usize::from(number)];
            let mut secret = at.range();
            if rule.group > 0 {
                let here = Input::new(text).span(at.span()).anchored(Anchored::Pattern(at.pattern()));
                self.regex.search_captures_with(cache, &here, captures);
                secret = captures.get_group(rule.group).map_or(secret, |group| group.range());
            }
            if count == FINDS {
                found.push(Match { range: at.start()..text.len(), action: Action::Replace, rule: Some(number) });
                return;
            }
            from = match (rule.check)(text, at.range(), secret) {
                Checked::Secret(range) => {
                    let end = range.end;
                    if !range.is_empty() {
                        count += 1;
                        found.push(Match { range, action: rule.action, rule: Some(number) });
                    }
                    // The part behind the secret may begin another secret. No offset is matched twice.
                    if end > at.start() { end } else { next_character(text, at.end()) }
                }
                Checked::Not(next) => next,
            };
        }
    }
}

fn next_character(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|rest| rest.chars().next()).map_or(text.len() + 1, |character| at + character.len_utf8())
}
