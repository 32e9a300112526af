//! Values of fields, as they are compared, grouped and shown.

use std::borrow::Cow;
use std::cmp::Ordering;

/// A value of a line.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell<'l> {
    /// JSON's null, or none at all.
    Nothing,
    Integer(i128),
    Real(f64),
    /// In nanoseconds since 1970 UTC.
    Time(i64),
    Text(Cow<'l, str>),
    Truth(bool),
    /// A list or an object, as JSON has it.
    Json(Cow<'l, str>),
}

impl Cell<'_> {
    /// The number that a text of JSON is. A whole number is an integer however it is written, so that 1 and 1.0 are the same.
    pub fn number(text: &str) -> Option<Self> {
        if let Ok(integer) = text.parse() {
            return Some(Cell::Integer(integer));
        }
        // `inf` and `nan` are no numbers of JSON.
        if !text.bytes().next_back()?.is_ascii_digit() {
            return None;
        }
        text.parse().ok().filter(|real: &f64| real.is_finite()).map(Self::real)
    }

    #[allow(clippy::cast_possible_truncation, clippy::float_cmp, reason = "exact in these bounds")]
    pub fn real(real: f64) -> Self {
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if real.trunc() == real && real.abs() <= EXACT { Cell::Integer(real as i128) } else { Cell::Real(real) }
    }

    /// As a number, where it is one.
    #[allow(clippy::cast_precision_loss, reason = "as others compare them")]
    pub fn as_real(&self) -> Option<f64> {
        match self {
            Cell::Integer(integer) => Some(*integer as f64),
            Cell::Real(real) => Some(*real),
            _ => None,
        }
    }

    /// The same with a text of its own.
    pub fn owned(&self) -> Cell<'static> {
        match self {
            Cell::Nothing => Cell::Nothing,
            Cell::Integer(integer) => Cell::Integer(*integer),
            Cell::Real(real) => Cell::Real(*real),
            Cell::Time(time) => Cell::Time(*time),
            Cell::Truth(truth) => Cell::Truth(*truth),
            Cell::Text(text) => Cell::Text(Cow::Owned(text.clone().into_owned())),
            Cell::Json(text) => Cell::Json(Cow::Owned(text.clone().into_owned())),
        }
    }

    /// Writes bytes that are equal for equal values only.
    pub fn put_key(&self, key: &mut Vec<u8>) {
        match self {
            Cell::Nothing => key.push(0),
            Cell::Integer(integer) => {
                key.push(1);
                key.extend_from_slice(&integer.to_le_bytes());
            }
            Cell::Real(real) => {
                key.push(2);
                key.extend_from_slice(&real.to_bits().to_le_bytes());
            }
            Cell::Time(time) => {
                key.push(3);
                key.extend_from_slice(&time.to_le_bytes());
            }
            Cell::Truth(truth) => key.extend_from_slice(&[4, u8::from(*truth)]),
            Cell::Text(text) | Cell::Json(text) => {
                key.push(if matches!(self, Cell::Text(_)) { 5 } else { 6 });
                key.extend_from_slice(&(text.len() as u64).to_le_bytes());
                key.extend_from_slice(text.as_bytes());
            }
        }
    }

    const fn rank(&self) -> u8 {
        match self {
            Cell::Truth(_) => 0,
            Cell::Integer(_) | Cell::Real(_) => 1,
            Cell::Time(_) => 2,
            Cell::Text(_) => 3,
            Cell::Json(_) => 4,
            Cell::Nothing => 5,
        }
    }

    /// An order of all values: numbers before texts, and what is missing at the end.
    pub fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Cell::Integer(one), Cell::Integer(other)) => one.cmp(other),
            (Cell::Time(one), Cell::Time(other)) => one.cmp(other),
            (Cell::Truth(one), Cell::Truth(other)) => one.cmp(other),
            (Cell::Text(one), Cell::Text(other)) | (Cell::Json(one), Cell::Json(other)) => one.cmp(other),
            (Cell::Real(one), Cell::Real(other)) => one.total_cmp(other),
            (Cell::Integer(one), Cell::Real(other)) => exact(*one, *other),
            (Cell::Real(one), Cell::Integer(other)) => exact(*other, *one).reverse(),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

/// How an integer stands to a number with a fraction, or one beyond all integers: without rounding, so that the order of all numbers is one.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "within the bounds that are asked for")]
fn exact(integer: i128, real: f64) -> Ordering {
    const BEYOND: f64 = 1.7e38;
    if real.abs() >= BEYOND {
        return if real > 0.0 { Ordering::Less } else { Ordering::Greater };
    }
    let whole = real.trunc();
    integer.cmp(&(whole as i128)).then_with(|| whole.total_cmp(&real))
}

/// What a field is compared with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Literal {
    pub text: String,
    /// What a word stands for besides its text. A text in quotes is a text alone.
    pub number: Option<Number>,
    pub truth: Option<bool>,
    pub is_null: bool,
}

/// A number of a question.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    Integer(i128),
    Real(f64),
}

impl Literal {
    pub fn of_text(text: String) -> Self {
        Self { text, ..Self::default() }
    }

    pub fn of_word(word: String) -> Self {
        let number = match Cell::number(&word) {
            Some(Cell::Integer(integer)) => Some(Number::Integer(integer)),
            Some(Cell::Real(real)) => Some(Number::Real(real)),
            _ => None,
        };
        let truth = match &*word {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        };
        Self { number, truth, is_null: word == "null", text: word }
    }

    /// Whether a value is this one.
    pub fn is(&self, value: &Cell<'_>) -> bool {
        match value {
            Cell::Truth(truth) => self.truth == Some(*truth),
            Cell::Text(text) => **text == self.text,
            Cell::Nothing => self.is_null,
            Cell::Json(_) => false,
            Cell::Integer(_) | Cell::Real(_) | Cell::Time(_) => self.order_of(value) == Some(Ordering::Equal),
        }
    }

    /// How a value stands to this one. None where they are of different kinds.
    pub fn order_of(&self, value: &Cell<'_>) -> Option<Ordering> {
        match (value, self.number) {
            (Cell::Integer(value), Some(Number::Integer(number))) => Some(value.cmp(&number)),
            (Cell::Integer(value), Some(Number::Real(number))) => Some(exact(*value, number)),
            (Cell::Real(value), Some(Number::Integer(number))) => Some(exact(number, *value).reverse()),
            (Cell::Real(value), Some(Number::Real(number))) => value.partial_cmp(&number),
            (Cell::Text(text), None) if self.truth.is_none() && !self.is_null => Some((**text).cmp(&self.text)),
            (Cell::Time(time), Some(Number::Integer(number))) => Some(i128::from(*time).cmp(&number)),
            _ => None,
        }
    }
}
