//! Redacting one text, one number, or the value under a name.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::keys::Treatment;
use super::kinds::Kinds;
use super::pairs;
use super::patterns::{Match, Memory};
use super::spec::Action;
use super::view::{self, View};
use super::{Rules, card, json};
use crate::value::Value;

const CARD: &str = "card";
/// The end of a text of which only the beginning was kept: `…(+12 characters)`.
const CUT_ENDS: &str = " characters)";
const CUT_BEGINS: &str = "…(+";
/// Bytes before the cut that may be of one secret.
const CUT_WORD: usize = 4_096;
/// The most groups of digits before the last one that may be of one number, and bytes of the shortest text that is
/// cut.
const CUT_GROUPS: usize = 6;
const CUT_FROM: usize = 64 << 10;
/// Names that are remembered with what becomes of their values, and bytes of one.
const NAMES: usize = 4_096;
const NAME: usize = 128;

/// The rules, with what one thread's searches remember.
#[derive(Debug)]
pub struct Scanner {
    rules: Arc<Rules>,
    memory: Memory,
    found: Vec<Match>,
    names: HashMap<String, Treatment>,
}

/// The new value in place of one with secrets.
#[derive(Debug, PartialEq, Eq)]
pub enum Replaced {
    Text(String),
    Json(String),
}

impl Scanner {
    #[must_use]
    pub fn new(rules: Arc<Rules>) -> Self {
        let memory = rules.patterns.memory();
        Self { rules, memory, found: Vec::new(), names: HashMap::new() }
    }

    #[must_use]
    pub fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// A text without secrets. `None` if it stays as it is.
    #[inline]
    pub fn text(&mut self, text: &str) -> Option<String> {
        if self.is_clean(text) { None } else { Some(self.rewrite(text)) }
    }

    /// A line of source without secrets. `None` if it stays as it is.
    pub fn source(&mut self, line: &str) -> Option<String> {
        if self.is_clean_of(line, true) { None } else { Some(self.rewrite(line)) }
    }

    /// Whether a text stays as it is.
    #[inline]
    pub fn is_clean(&mut self, text: &str) -> bool {
        self.is_clean_of(text, false)
    }

    #[inline]
    fn is_clean_of(&mut self, text: &str, is_source: bool) -> bool {
        // A panic may have left something there.
        self.found.clear();
        let kinds = Kinds::of(text);
        self.search_text(text, kinds, is_source);
        if View::may_be_of(kinds)
            && self.rules.patterns.searches_texts()
            && let Some(view) = View::of(text, kinds)
        {
            self.search_views(view, is_source);
        }
        if text.ends_with(CUT_ENDS)
            && self.rules.patterns.searches_texts()
            && let Some(range) = last_word_before_cut(text)
        {
            self.found.push(Match { range, action: Action::Replace, rule: None });
        }
        self.found.is_empty()
    }

    #[inline]
    fn search_text(&mut self, text: &str, kinds: Kinds, is_source: bool) {
        let patterns = &self.rules.patterns;
        patterns.find(&mut self.memory, text, kinds, &mut self.found);
        if patterns.pairs && kinds.have(pairs::BEGIN) {
            let (names, keys) = (&mut self.names, &self.rules.keys);
            pairs::find(text, kinds, is_source, |name| remembered(names, name, |name| keys.of(name)), &mut self.found);
        }
    }

    /// Searches the view of a text, and the views of that view. Matches there are mapped to the text.
    #[cold]
    fn search_views(&mut self, first: View, is_source: bool) {
        let mut views = vec![first];
        loop {
            let last = &views[views.len() - 1];
            let from = self.found.len();
            let kinds = Kinds::of(&last.text);
            self.search_text(&last.text, kinds, is_source);
            for found in &mut self.found[from..] {
                let back = |at: usize| views.iter().rev().fold(at, |at, view| view.offset(at));
                found.range = back(found.range.start)..back(found.range.end);
            }
            if !View::may_be_of(kinds) || views.len() == view::DEEPEST {
                return;
            }
            match View::of(&last.text, kinds) {
                Some(next) => views.push(next),
                None => return,
            }
        }
    }

    /// Replaces the matches. If two overlap, the first one decides about both.
    #[cold]
    fn rewrite(&mut self, text: &str) -> String {
        let mut found = std::mem::take(&mut self.found);
        found.sort_by_key(|found| (found.range.start, std::cmp::Reverse(found.range.end)));
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        let mut found_here = found.drain(..).peekable();
        while let Some(mut one) = found_here.next() {
            while let Some(next) = found_here.next_if(|next| next.range.start < one.range.end) {
                // The part of the second match behind the first is not shown, whatever the action of the first.
                if next.range.end > one.range.end && next.action != one.action {
                    one.action = Action::Replace;
                }
                one.range.end = one.range.end.max(next.range.end);
            }
            out.push_str(&text[at..one.range.start]);
            at = one.range.end;
            let rule = one.rule.map(|rule| self.rules.patterns.rules[usize::from(rule)].name.as_str());
            let secret = &text[one.range];
            if rule == Some(CARD) {
                // However it is written, it is the same.
                let digits = card::digits(secret);
                self.rules.replacer.put(one.action, rule, &digits, &mut out);
            } else {
                self.rules.replacer.put(one.action, rule, secret, &mut out);
            }
        }
        drop(found_here);
        out.push_str(&text[at..]);
        self.found = found;
        out
    }

    /// A number without secrets. `None` if it stays as it is.
    #[inline]
    pub fn number(&mut self, number: &str) -> Option<String> {
        let patterns = &self.rules.patterns;
        // `null` and `true` stand where numbers do.
        if number.len() < patterns.shortest_number()
            || !number.starts_with(|first: char| first == '-' || first.is_ascii_digit())
        {
            return None;
        }
        self.found.clear();
        patterns.find_in_number(&mut self.memory, number, &mut self.found);
        if self.found.is_empty() && number.contains(['.', 'e', 'E']) {
            // A float that is a whole number, as tables make of a column with gaps.
            let whole = card::whole(number)?;
            patterns.find_in_number(&mut self.memory, &whole, &mut self.found);
            return if self.found.is_empty() { None } else { Some(self.rewrite(&whole)) };
        }
        if self.found.is_empty() { None } else { Some(self.rewrite(number)) }
    }

    /// The treatment of the value under a key of a mapping.
    pub fn treatment(&mut self, name: &str) -> Treatment {
        let keys = &self.rules.keys;
        remembered(&mut self.names, name, |name| keys.of(name))
    }

    /// The treatment of a field's value.
    #[inline]
    pub fn field_treatment(&mut self, name: &str) -> Treatment {
        if self.rules.keys.has_allow_list() { self.rules.keys.of_field(name) } else { self.treatment(name) }
    }

    /// The text in place of a secret that was found by its name.
    #[must_use]
    pub fn replaced(&self, action: Action, secret: &str) -> String {
        let mut out = String::new();
        self.rules.replacer.put(action, None, secret, &mut out);
        out
    }

    /// A value without secrets. `None` if it stays as it is.
    #[inline]
    pub fn value(&mut self, value: Value<'_>, treatment: Treatment) -> Option<Replaced> {
        let action = match treatment {
            Treatment::Search => return self.search(value),
            Treatment::Secret(action) => action,
            Treatment::SecretUnlessFlag(_) if matches!(value, Value::Bool(_)) => return None,
            Treatment::SecretUnlessFlag(action) => action,
        };
        let secret = match value {
            Value::Null => return None,
            Value::Text(text) => return Some(Replaced::Text(self.replaced(action, text))),
            Value::Json(json) => json::unescaped_value(json).into_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Integer(value) => value.to_string(),
            Value::Float(value) => serde_json::to_string(&value).unwrap_or_default(),
        };
        Some(Replaced::Text(self.replaced(action, &secret)))
    }

    /// Whether a value stays as it is.
    #[inline]
    pub fn is_clean_value(&mut self, value: Value<'_>, treatment: Treatment) -> bool {
        match (treatment, value) {
            (_, Value::Null) | (Treatment::Search | Treatment::SecretUnlessFlag(_), Value::Bool(_)) => true,
            (Treatment::Search, Value::Text(text)) => self.is_clean(text),
            (Treatment::Search, value) => self.search(value).is_none(),
            _ => false,
        }
    }

    #[inline]
    fn search(&mut self, value: Value<'_>) -> Option<Replaced> {
        match value {
            Value::Text(text) => self.text(text).map(Replaced::Text),
            Value::Json(json) => self.json(json, true).map(Replaced::Json),
            // The least number of 13 digits.
            Value::Integer(number) if number >= 1_000_000_000_000 || self.rules.patterns.shortest_number() == 1 => {
                self.number(&number.to_string()).map(Replaced::Text)
            }
            Value::Float(number) if number >= 1e12 || self.rules.patterns.shortest_number() == 1 => {
                self.number(&serde_json::to_string(&number).unwrap_or_default()).map(Replaced::Text)
            }
            _ => None,
        }
    }

    /// A value of JSON without secrets. `None` if it stays as it is. Without `by_name` only patterns are searched.
    pub fn json(&mut self, json: &str, by_name: bool) -> Option<String> {
        let mut out = Vec::with_capacity(json.len() + 32);
        if !json::put(self, json, by_name, &mut out) {
            return None;
        }
        // Pieces of a text, and texts.
        Some(String::from_utf8(out).unwrap_or_else(|_| "\"[REDACTED]\"".to_owned()))
    }
}

/// The last word before the end of a text that was cut: it may be a part of a secret that no pattern matches any more.
/// Numbers in groups are one word.
#[cold]
fn last_word_before_cut(text: &str) -> Option<Range<usize>> {
    let end = text.rfind(CUT_BEGINS)?;
    let count = text[end + CUT_BEGINS.len()..].strip_suffix(CUT_ENDS)?;
    if text.len() < CUT_FROM || count.is_empty() || !count.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let word = |end: usize| {
        let within = |(at, character): &(usize, char)| end - at <= CUT_WORD && !character.is_whitespace();
        text[..end].char_indices().rev().take_while(within).last().map_or(end, |(at, _)| at)
    };
    let is_number =
        |range: Range<usize>| text[range].bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b' '));
    let mut start = word(end);
    for _ in 0..CUT_GROUPS {
        let before = text[..start].trim_end_matches([' ', '\u{a0}']);
        let group = word(before.len());
        if group == before.len() || !is_number(start..end) && start < end || !is_number(group..before.len()) {
            break;
        }
        start = group;
    }
    (start < end).then_some(start..end)
}

fn remembered(
    names: &mut HashMap<String, Treatment>,
    name: &str,
    treatment: impl FnOnce(&str) -> Treatment,
) -> Treatment {
    if let Some(known) = names.get(name) {
        return *known;
    }
    let new = treatment(name);
    if names.len() < NAMES && name.len() <= NAME {
        names.insert(name.to_owned(), new);
    }
    new
}
