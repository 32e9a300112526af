//! The lines below lines of source that mark the expression that failed, drawn as Python's `traceback` draws them. Texts for people have them.

use std::borrow::Cow;

use unicode_width::UnicodeWidthStr;

use super::operator;
use super::source::is_space;
use crate::escape;

/// Stands for an end in another line of the file.
pub const FURTHER_DOWN: u32 = u32::MAX;
/// Columns of a tab within a line.
const TAB: usize = 4;

/// Whether a line marks the line above it.
#[must_use]
pub fn is_marks(line: &str) -> bool {
    line.contains(['^', '~']) && line.chars().all(|character| "^~".contains(character) || is_space(character))
}

/// A text without the lines that mark others.
#[must_use]
pub fn without(text: &str) -> Cow<'_, str> {
    if text.split('\n').any(is_marks) {
        let lines: Vec<&str> = text.split('\n').filter(|line| !is_marks(line)).collect();
        Cow::Owned(lines.join("\n"))
    } else {
        Cow::Borrowed(text)
    }
}

/// What marks the expression between two bytes of a line that is shown without the white space around it. `None` if it is all of the line,
/// so that marks would say nothing, or if the line is not the one that was compiled.
#[must_use]
pub fn below(line: &str, from: u32, to: u32) -> Option<String> {
    let shown = line.trim_matches(is_space);
    let indentation = line.len() - line.trim_start_matches(is_space).len();
    let from = usize::try_from(from).ok()?.checked_sub(indentation)?;
    let goes_on = to == FURTHER_DOWN;
    let to = if goes_on { shown.len() } else { usize::try_from(to).ok()?.checked_sub(indentation)? };
    let (before, expression) = (shown.get(..from)?, shown.get(from..to).filter(|expression| !expression.is_empty())?);
    let operator = if goes_on { None } else { operator::of(expression) };
    if expression.len() == shown.len() && operator.is_none() {
        return None;
    }
    let (left, right) = operator.unwrap_or((0, expression.len()));
    let mut marks = " ".repeat(columns(before));
    for (sign, part) in [("~", ..left), ("^", ..right), ("~", ..expression.len())] {
        let drawn = marks.len() - columns(before);
        marks.push_str(&sign.repeat(columns(&expression[part]).saturating_sub(drawn)));
    }
    Some(marks)
}

/// Columns of a part of a line, as it is shown to people.
fn columns(text: &str) -> usize {
    let mut parts = text.split('\t');
    let mut shown = String::with_capacity(text.len());
    escape::put(&mut shown, parts.next().unwrap_or_default());
    let tabs = parts.map(|part| escape::put(&mut shown, part)).count();
    shown.width() + TAB * tabs
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Marks of the expression that stands between brackets in the line.
    fn marked(line: &str) -> Option<String> {
        let (from, to) = (line.find('⟦').unwrap(), line.find('⟧').unwrap() - '⟦'.len_utf8());
        let line = line.replace(['⟦', '⟧'], "");
        below(&line, u32::try_from(from).unwrap(), u32::try_from(to).unwrap())
    }

    #[test]
    fn an_expression_is_marked_in_its_line() {
        assert_eq!(marked("    x = ⟦f(1)⟧ + 2\n").as_deref(), Some("    ^^^^"));
        assert_eq!(marked("    x = ⟦order.total / count⟧\n").as_deref(), Some("    ~~~~~~~~~~~~^~~~~~~"));
        assert_eq!(marked("  ⟦rows[0][name]⟧\n").as_deref(), Some("~~~~~~~^^^^^^"));
    }

    #[test]
    fn what_is_the_whole_line_is_not_marked() {
        assert_eq!(marked("    ⟦raise ValueError('x')⟧  \r\n"), None);
        assert_eq!(marked("\t⟦main()⟧\n"), None);
        // The operator tells more than the line.
        assert_eq!(marked("    ⟦a + b⟧\n").as_deref(), Some("~~^~~"));
    }

    #[test]
    fn wide_and_escaped_characters_count_as_they_are_shown() {
        assert_eq!(marked("x = f('你好', ⟦1 / 零⟧)").as_deref(), Some("              ~~^~~~"));
        assert_eq!(marked("x = f('\u{202e}', ⟦y⟧)").as_deref(), Some("                ^"));
        assert_eq!(marked("x =\t⟦y⟧ + 1").as_deref(), Some("       ^"));
    }

    #[test]
    fn an_expression_that_goes_on_below_is_marked_to_the_end_of_its_line() {
        assert_eq!(below("    x = f(1,  \n", 8, FURTHER_DOWN).as_deref(), Some("    ^^^^"));
        assert_eq!(below("    f(1,\n", 4, FURTHER_DOWN), None);
    }

    #[test]
    fn another_line_than_the_one_that_was_compiled_gets_no_marks() {
        for (from, to) in [(0, 9), (4, 90), (90, 95), (6, 7), (8, 8), (9, 8)] {
            assert_eq!(below("    x=é\n", from, to), None, "{from} {to}");
        }
    }

    #[test]
    fn lines_of_marks_are_told_from_lines_of_source() {
        assert!(["^", "  ~~^~~", "\t^^ ^"].into_iter().all(is_marks));
        assert!(["", "   ", "x ^", "~x"].into_iter().all(|line| !is_marks(line)));
        assert_eq!(without("f(\n~^\n  1,\n)\n^"), "f(\n  1,\n)");
        assert!(matches!(without("f(1)"), Cow::Borrowed("f(1)")));
    }
}
