//! The text of an exception: frames of the application stand out, those of libraries step back.

use super::screen::Screen;
use super::style;
use super::value::put_line;

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
    for line in text.lines() {
        screen.new_line();
        // Groups have a margin, and what goes on in the next line stands below what it belongs to.
        let content = line.trim_start_matches([' ', '|', '+', '\t']);
        let margin = line.len() - content.len();
        screen.set_indent(0);
        scratch.clear();
        put_line(scratch, &line[..margin]);
        screen.put(style::DIM, scratch);
        screen.set_indent(margin.min(8));
        let depth = line.rfind(['|', '+']).map_or(margin, |at| margin.saturating_sub(at + 1));
        put_content(screen, scratch, content, depth, &mut code);
    }
    screen.set_indent(0);
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
    let is_marks = content.contains('^') && content.bytes().all(|byte| b"^~ ".contains(&byte));
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
