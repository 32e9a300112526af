//! The text of an exception: frames of the application stand out, those of libraries step back.

use super::screen::{Screen, columns, split};
use super::style;
use super::value::put_line;
use crate::exception;

/// Columns of the widest character.
const WIDEST: usize = 2;

/// Whose code the lines after a frame are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Code {
    None,
    Application,
    Library,
}

/// Puts each line of a traceback below the record.
pub fn put(screen: &mut Screen<'_>, scratch: &mut String, text: &str) {
    let mut code = Code::None;
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        screen.new_line();
        // Groups have a margin, and what goes on in the next line stands below what it belongs to.
        let content = without_margin(line);
        let margin = line.len() - content.len();
        put_margin(screen, scratch, &line[..margin]);
        screen.set_indent(margin.min(8));
        let depth = line[..margin].rfind(['|', '+']).map_or(margin, |at| margin.saturating_sub(at + 1));
        let marks = lines.next_if(|next| depth >= 4 && exception::is_marks(without_margin(next)));
        match marks.and_then(|marks| marks.get(margin..)) {
            Some(marks) => put_marked(screen, scratch, (&line[..margin], content, marks), code),
            None => put_content(screen, scratch, content, depth, &mut code),
        }
    }
    screen.set_indent(0);
}

fn without_margin(line: &str) -> &str {
    line.trim_start_matches([' ', '|', '+', '\t'])
}

fn put_margin(screen: &mut Screen<'_>, scratch: &mut String, margin: &str) {
    screen.set_indent(0);
    scratch.clear();
    put_line(scratch, margin);
    screen.put(style::DIM, scratch);
}

/// Puts a line of source, and below it what marks its expression. Where the line has no room, each of its parts has its marks below it.
fn put_marked(screen: &mut Screen<'_>, scratch: &mut String, (margin, content, marks): (&str, &str, &str), code: Code) {
    let (style, mark_style) = match code {
        Code::Library => (style::DIM, style::DIM),
        Code::None | Code::Application => (style::NONE, style::ERROR),
    };
    let mut line = String::with_capacity(content.len());
    put_line(&mut line, content);
    let (mut rest, mut marks, mut is_first) = (&line[..], marks, true);
    while !rest.is_empty() {
        let (mut part, after) = split(rest, screen.room().max(WIDEST));
        if let Some(blank) = part.rfind(' ').filter(|_| !after.is_empty()) {
            part = &part[..=blank];
        }
        let filled = part.trim_end_matches(' ');
        screen.put(style, filled);
        let below = marks[..columns(filled).min(marks.len())].trim_end_matches(' ');
        if !below.is_empty() {
            screen.new_line();
            if is_first {
                put_margin(screen, scratch, margin);
                screen.set_indent(margin.len().min(8));
            }
            screen.put(mark_style, below);
        }
        rest = &rest[part.len()..];
        (marks, is_first) = (&marks[columns(part).min(marks.len())..], false);
        if !rest.is_empty() {
            screen.new_line();
        }
    }
}

fn put_content(screen: &mut Screen<'_>, scratch: &mut String, content: &str, depth: usize, code: &mut Code) {
    let mut put = |style, text: &str| {
        scratch.clear();
        put_line(scratch, text);
        screen.put(style, scratch);
    };
    if let Some((path, line, function)) = frame(content) {
        *code = if is_library(path) { Code::Library } else { Code::Application };
        if *code == Code::Library {
            return put(style::DIM, content);
        }
        put(style::DIM, "File \"");
        put(style::NONE, path);
        put(style::DIM, "\", line ");
        put(style::NUMBER, line);
        put(style::DIM, ", in ");
        return put(style::BOLD, function);
    }
    let is_marks = exception::is_marks(content);
    if depth >= 4 && *code != Code::None {
        let is_dim = *code == Code::Library;
        return put(
            if is_marks {
                style::ERROR
            } else if is_dim {
                style::DIM
            } else {
                style::NONE
            },
            content,
        );
    }
    if is_marks {
        return put(style::ERROR, content);
    }
    if content.starts_with('[') || content.starts_with('-') || is_heading(content) {
        return put(style::DIM, content);
    }
    *code = Code::None;
    match content.find(": ").filter(|at| is_kind(&content[..*at])) {
        Some(at) => {
            put(style::ERROR_KIND, &content[..at]);
            put(style::ERROR, &content[at..]);
        }
        None if is_kind(content) => put(style::ERROR_KIND, content),
        None => put(style::NONE, content),
    }
}

/// Path, line and function of `File "…", line N, in …`.
fn frame(content: &str) -> Option<(&str, &str, &str)> {
    let (path, rest) = content.strip_prefix("File \"")?.split_once("\", line ")?;
    let (line, function) = rest.split_once(", in ")?;
    Some((path, line, function))
}

/// Whether a file is of an installed package or of Python itself.
fn is_library(path: &str) -> bool {
    path.starts_with("<frozen ")
        || ["site-packages", "dist-packages"].iter().any(|folder| path.contains(folder))
        || path.contains("/lib/python3")
        || path.contains("\\Lib\\")
}

fn is_heading(content: &str) -> bool {
    ["Traceback (", "Exception Group Traceback (", "Stack (", "The above exception", "During handling of"]
        .iter()
        .any(|heading| content.starts_with(heading))
}

/// Whether a text may be the name of an exception's class.
fn is_kind(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|character: char| character.is_ascii_digit())
        && text.chars().all(|character| character.is_alphanumeric() || character == '_' || character == '.')
        && text.rsplit('.').next().is_some_and(|name| name.starts_with(char::is_uppercase))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines below a record's line, without their mark.
    fn shown(text: &str, color: bool, width: usize) -> Vec<String> {
        let mut out = String::new();
        let mut screen = Screen::new(&mut out, color, Some(width));
        put(&mut screen, &mut String::new(), text);
        screen.end();
        out.lines().skip(1).map(|line| line.split_once('│').unwrap().1.to_owned()).collect()
    }

    const FRAME: &str = "  File \"/app/shop.py\", line 7, in pay\n";

    #[test]
    fn marks_stand_below_the_expression_that_they_mark() {
        let text = [FRAME, "    x = 你好 / count\n", "        ~~~~~^~~~~~~\n"].concat();
        assert_eq!(shown(&text, false, 80)[1..], ["     x = 你好 / count", "         ~~~~~^~~~~~~"]);
        let text = ["  |   File \"/app/shop.py\", line 7, in pay\n", "  |     f(g(1))\n", "  |       ^^^^\n"].concat();
        assert_eq!(shown(&text, false, 80)[1..], ["   |     f(g(1))", "   |       ^^^^"]);
    }

    #[test]
    fn each_part_of_a_line_that_is_too_long_has_its_marks_below_it() {
        let code = "    total = first_price(order) / second_price(order)\n";
        let marks = "            ~~~~~~~~~~~~~~~~~~~^~~~~~~~~~~~~~~~~~~~~\n";
        let expected = [
            "     total =",
            "     first_price(order) /",
            "     ~~~~~~~~~~~~~~~~~~~^",
            "     second_price(order)",
            "     ~~~~~~~~~~~~~~~~~~~",
        ];
        let shown = shown(&[FRAME, code, marks].concat(), false, 30);
        assert!(shown.ends_with(&expected.map(str::to_owned)), "{shown:#?}");
        // As in a word that no line holds.
        let code = format!("    {}\n", "名".repeat(20));
        let marks = format!("    {}^^\n", " ".repeat(30));
        let shown = self::shown(&[FRAME, &code, &marks].concat(), false, 30);
        let end = shown.iter().position(|line| line.contains('^')).unwrap();
        assert_eq!(shown[end], format!("     {}^^", " ".repeat(30 - 22)), "{shown:#?}");
    }

    #[test]
    fn marks_in_libraries_step_back_with_their_frames() {
        let of = |path: &str| format!("  File \"{path}\", line 7, in f\n    a + b\n    ~~^~~\n");
        let shown = |path: &str| shown(&of(path), true, 80).concat();
        assert!(shown("/app/shop.py").contains("\x1b[31m~~^~~"));
        assert!(!shown("/app/shop.py").contains("\x1b[2ma + b"));
        let library = shown("/x/site-packages/y.py");
        assert!(library.contains("\x1b[2m~~^~~") && library.contains("\x1b[2ma + b"), "{library}");
    }

    /// Seen to count the operator as the margin of a group.
    #[test]
    fn source_with_signs_of_groups_is_source() {
        let text = [FRAME, "    Order | None + 1\n"].concat();
        assert!(shown(&text, true, 80)[1].ends_with(" \x1b[2m    \x1b[mOrder | None + 1"));
    }
}
