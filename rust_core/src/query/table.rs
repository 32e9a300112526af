//! A table, and the stages that it goes through as a whole.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::cell::Cell;
use super::filter::Asked;
use super::plan::TableStep;
use crate::archive::Keys;

/// What comes out of a question.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Cell<'static>>>,
}

/// The order of two rows by columns. What is missing comes last either way.
pub fn order(one: &[Cell<'_>], other: &[Cell<'_>], by: &[(usize, bool)]) -> Ordering {
    by.iter()
        .map(|(column, is_descending)| {
            let (one, other) = (&one[*column], &other[*column]);
            match (one == &Cell::Nothing, other == &Cell::Nothing) {
                (false, false) if *is_descending => other.order(one),
                (false, false) => one.order(other),
                (is_missing, other_is_missing) => is_missing.cmp(&other_is_missing),
            }
        })
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// What rows with the same values in these columns have in common.
pub fn key_of<'c, 'l: 'c>(cells: impl Iterator<Item = &'c Cell<'l>>) -> Box<[u8]> {
    let mut key = Vec::new();
    cells.for_each(|cell| cell.put_key(&mut key));
    key.into()
}

/// Rows after their stages.
pub fn through(mut rows: Vec<Vec<Cell<'static>>>, steps: &[TableStep], levels: &Keys) -> Vec<Vec<Cell<'static>>> {
    for step in steps {
        match step {
            TableStep::Where(condition) => rows.retain(|row| {
                let cells: Vec<Option<Cell<'_>>> = row.iter().map(|cell| Some(cell.clone())).collect();
                condition.holds(Asked { cells: &cells, line: b"", levels })
            }),
            TableStep::Head(most) => rows.truncate(*most),
            TableStep::Tail(most) => drop(rows.drain(..rows.len().saturating_sub(*most))),
            TableStep::Sort(by) => rows.sort_by(|one, other| order(one, other, by)),
            TableStep::Columns(columns) => {
                for row in &mut rows {
                    *row = columns.iter().map(|column| row[*column].clone()).collect();
                }
            }
            TableStep::Unique(columns) => {
                let mut seen = HashSet::new();
                rows.retain(|row| seen.insert(key_of(columns.iter().map(|column| &row[*column]))));
            }
        }
    }
    rows
}
