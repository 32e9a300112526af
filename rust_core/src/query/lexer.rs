//! The words of a question, each with its place.

use std::ops::Range;

/// What is wrong with a question, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Characters from the beginning of the text.
    pub place: Range<usize>,
    /// What is wrong there, or what should stand there instead.
    pub what: String,
}

/// A word or a sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// Letters, digits and what else is no sign: a field, a number, a name.
    Word(String),
    /// In quotes.
    Text(String),
    /// In backquotes: the name of a field, whatever it is made of.
    Field(String),
    Sign(&'static str),
}

/// The longer ones first.
const SIGNS: [&str; 13] = ["==", "!=", "<=", ">=", "!~", "=", "<", ">", "~", "(", ")", ",", "|"];

fn ends_word(character: char) -> bool {
    character.is_whitespace() || "()|,=!<>~\"'`".contains(character)
}

/// The tokens of a text, each with the characters that it stands at.
///
/// # Errors
/// When a quote is not closed, or a sign is none.
pub fn tokens(text: &str) -> Result<Vec<(Token, Range<usize>)>, Wrong> {
    let characters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < characters.len() {
        let start = at;
        let first = characters[at];
        if first.is_whitespace() {
            at += 1;
            continue;
        }
        let token = if matches!(first, '"' | '\'' | '`') {
            let inner = quoted(&characters, &mut at)?;
            if first == '`' { Token::Field(inner) } else { Token::Text(inner) }
        } else if let Some(sign) = SIGNS.iter().find(|sign| is_at(&characters[at..], sign)) {
            at += sign.len();
            Token::Sign(sign)
        } else if first == '!' {
            return Err(Wrong { place: start..start + 1, what: "write 'not', '!=' or '!~'".into() });
        } else {
            while at < characters.len() && !ends_word(characters[at]) {
                at += 1;
            }
            Token::Word(characters[start..at].iter().collect())
        };
        tokens.push((token, start..at));
    }
    Ok(tokens)
}

fn is_at(characters: &[char], sign: &str) -> bool {
    sign.chars().enumerate().all(|(number, expected)| characters.get(number) == Some(&expected))
}

/// What stands in quotes. A backslash takes the meaning from a quote or a backslash behind it, and is itself before anything else: regular
/// expressions have many.
fn quoted(characters: &[char], at: &mut usize) -> Result<String, Wrong> {
    let (start, quote) = (*at, characters[*at]);
    let mut inner = String::new();
    *at += 1;
    while let Some(character) = characters.get(*at) {
        *at += 1;
        match characters.get(*at) {
            Some(next) if *character == '\\' && (*next == quote || *next == '\\') => {
                inner.push(*next);
                *at += 1;
            }
            _ if *character == quote => return Ok(inner),
            _ => inner.push(*character),
        }
    }
    Err(Wrong { place: start..characters.len(), what: format!("the quote {quote} is not closed") })
}
