//! What of an expression failed: the operator of a binary operation, the index of a subscript. Python finds them in its syntax tree; here the
//! tokens of the one line tell as much.

/// Words at which an expression is neither of the two, or no expression at all.
const WORDS: [&str; 32] = [
    "and", "as", "assert", "async", "break", "class", "continue", "def", "del", "elif", "else", "except", "finally",
    "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return",
    "try", "while", "with", "yield", "print ",
];
/// How strongly powers and signs bind. Of the operators that bind weaker, the last one of the weakest is what is evaluated last.
const POWER: u8 = 8;

/// The bytes that stand out, from and to.
pub fn of(expression: &str) -> Option<(usize, usize)> {
    let mut scan = Scan { text: expression, at: 0 };
    let mut depth = 0_usize;
    let mut has_operand = false;
    let mut begins_with_prefix = false;
    let mut weakest: Option<(u8, usize, usize)> = None;
    // Where the last subscript begins, if nothing follows it.
    let mut subscript = None;
    while let Some(byte) = scan.peek() {
        let start = scan.at;
        match byte {
            b' ' | b'\t' | b'\x0c' => scan.at += 1,
            b'"' | b'\'' => {
                scan.string(false)?;
                (has_operand, subscript) = (true, if depth == 0 { None } else { subscript });
            }
            b'(' | b'[' | b'{' => {
                if depth == 0 {
                    subscript = (byte == b'[' && has_operand).then_some(start);
                }
                (depth, has_operand) = (depth + 1, false);
                scan.at += 1;
            }
            b')' | b']' | b'}' => {
                depth = depth.checked_sub(1)?;
                has_operand = true;
                scan.at += 1;
            }
            _ if byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80 => {
                let word = scan.word();
                if depth == 0 {
                    match word {
                        "await" => begins_with_prefix |= start == 0,
                        word if WORDS.contains(&word) => return None,
                        _ => (),
                    }
                    subscript = None;
                }
                has_operand = word != "await";
                if matches!(scan.peek(), Some(b'"' | b'\'')) && word.len() <= 2 {
                    scan.string(word.contains(['f', 'F', 't', 'T']))?;
                }
            }
            b'.' => {
                // An attribute, the beginning of a number, or an ellipsis.
                scan.at += 1;
                has_operand |= scan.text[..scan.at].ends_with("...");
                subscript = if depth == 0 { None } else { subscript };
            }
            _ if depth > 0 => {
                has_operand = false;
                scan.at += 1;
            }
            b'+' | b'-' | b'~' if !has_operand => {
                begins_with_prefix |= weakest.is_none() && scan.text[..start].trim().is_empty();
                scan.at += 1;
            }
            _ if has_operand => {
                let (binds, length) = binary(&expression.as_bytes()[start..])?;
                if weakest.is_none_or(|(least, ..)| binds < least || binds == least && binds < POWER) {
                    weakest = Some((binds, start, start + length));
                }
                (has_operand, subscript) = (false, None);
                scan.at += length;
            }
            _ => return None,
        }
    }
    match weakest {
        _ if depth > 0 || !has_operand => None,
        Some((binds, from, to)) => (binds < POWER || !begins_with_prefix).then_some((from, to)),
        None => subscript.filter(|_| !begins_with_prefix).map(|from| (from, expression.trim_end().len())),
    }
}

/// How strongly a binary operator binds, and its length. `None` for comparisons, assignments, and what is no operator.
fn binary(text: &[u8]) -> Option<(u8, usize)> {
    let found = match text {
        [b'*', b'*', ..] => (POWER, 2),
        [b'/', b'/', ..] => (6, 2),
        [b'<', b'<', ..] | [b'>', b'>', ..] => (4, 2),
        [b'*' | b'/' | b'%' | b'@', ..] => (6, 1),
        [b'+' | b'-', ..] => (5, 1),
        [b'&', ..] => (3, 1),
        [b'^', ..] => (2, 1),
        [b'|', ..] => (1, 1),
        _ => return None,
    };
    (text.get(found.1) != Some(&b'=')).then_some(found)
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// A name or a number.
    fn word(&mut self) -> &'a str {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let is_number = bytes[start].is_ascii_digit();
        while let Some(byte) = self.peek() {
            let has_exponent = is_number
                && matches!(byte, b'+' | b'-')
                && matches!(bytes[self.at - 1], b'e' | b'E')
                && !bytes[start..].starts_with(b"0x")
                && !bytes[start..].starts_with(b"0X");
            if !(byte.is_ascii_alphanumeric()
                || byte == b'_'
                || byte >= 0x80
                || is_number && byte == b'.'
                || has_exponent)
            {
                break;
            }
            self.at += 1;
        }
        &self.text[start..self.at]
    }

    /// Passes a string. Expressions in braces may hold further ones. `None` if it does not end in this line.
    fn string(&mut self, has_expressions: bool) -> Option<()> {
        let quote = self.peek()?;
        let triple = [quote; 3];
        let rest = &self.text.as_bytes()[self.at..];
        let closing = if rest.starts_with(&triple) { &triple[..] } else { &triple[..1] };
        self.at += closing.len();
        let mut braces = 0_usize;
        loop {
            let rest = self.text.as_bytes().get(self.at..).filter(|rest| !rest.is_empty())?;
            if braces == 0 && rest.starts_with(closing) {
                self.at += closing.len();
                return Some(());
            }
            match rest[0] {
                b'\\' => self.at += 1,
                b'{' if has_expressions && braces == 0 && rest.starts_with(b"{{") => self.at += 1,
                b'{' if has_expressions => braces += 1,
                b'}' => braces = braces.saturating_sub(1),
                b'"' | b'\'' if braces > 0 => {
                    self.string(false)?;
                    continue;
                }
                _ => (),
            }
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(expression: &str) -> Option<&str> {
        of(expression).map(|(from, to)| &expression[from..to])
    }

    /// The operators have their place beside them where there are several of one kind.
    fn place(expression: &str) -> Option<usize> {
        of(expression).map(|(from, _)| from)
    }

    #[test]
    fn of_operators_the_one_that_is_evaluated_last_is_found() {
        let cases = [
            ("a + b", "+"),
            ("a+b*c", "+"),
            ("a*b//c", "//"),
            ("(a + b) % c", "%"),
            ("a << 1 | b", "|"),
            ("a ^ b & c", "^"),
            ("a @ b", "@"),
            ("-a + b", "+"),
            ("a * -b", "*"),
            ("a ** -b", "**"),
            ("await a + b", "+"),
            ("1e-5 - x", "-"),
            (".5 / x", "/"),
            ("0xe-1", "-"),
            ("'a + b' % c", "%"),
            ("f'{a[\"+\"]} {{' + b", "+"),
            ("rb'\\'' + b", "+"),
            ("'''it's''' + b", "+"),
            ("名 + 号", "+"),
            ("... + b", "+"),
            ("a.b[c](d) - e", "-"),
        ];
        for (expression, operator) in cases {
            assert_eq!(found(expression), Some(operator), "{expression}");
        }
        assert_eq!(place("a - b - c"), Some(6));
        assert_eq!(place("a ** b ** c"), Some(2));
        assert_eq!(place("a - -b"), Some(2));
    }

    #[test]
    fn of_subscripts_the_last_one_is_found() {
        let cases = [("a[b]", "[b]"), ("a[b][c[d]]", "[c[d]]"), ("f(x)['k']", "['k']"), ("a.b [1:2]", "[1:2]")];
        for (expression, subscript) in cases {
            assert_eq!(found(expression), Some(subscript), "{expression}");
        }
    }

    #[test]
    fn anything_else_has_nothing_that_stands_out() {
        let others = [
            "",
            "a",
            "f(a + b)",
            "a.b",
            "a[b].c",
            "a[b](c)",
            "[a + b]",
            "[1][",
            "-a",
            "-a ** b",
            "-a[b]",
            "~a",
            "await a[b]",
            "a < b + c",
            "a == b",
            "a and b + c",
            "not a + b",
            "a if b else c + d",
            "lambda: a + b",
            "a, b + c",
            "*a",
            "raise a + b",
            "x = a + b",
            "x += b",
            "a +",
            "a b + c)",
            "'a + b",
            "f'{a",
            "a := b + c",
            "a ? b",
            "x @= y",
            "return a[b]",
            "a in b + c",
            "f\"{x + y}\"",
            "yield a + b",
        ];
        for expression in others {
            assert_eq!(found(expression), None, "{expression}");
        }
    }

    proptest::proptest! {
        #[test]
        fn texts_of_any_kind_are_read_without_panic(text in "[-+*/ ()\\[\\]{}'\"f\\\\.e1a名^~]{0,24}") {
            if let Some((from, to)) = of(&text) {
                proptest::prop_assert!(from < to && text.get(from..to).is_some());
            }
        }
    }
}
