//! A question that is being answered: records go in, and lines or a table come out.

use std::collections::{HashSet, VecDeque};

use super::cell::Cell;
use super::described::Described;
use super::filter::Asked;
use super::groups::Groups;
use super::plan::{Plan, Sink, Step, owned};
use super::table::{Table, key_of, order, through};
use crate::archive::Keys;
use crate::follow::Seen;

/// So many different values `uniq` tells apart, and so many rows and bytes of lines are kept.
const MOST_UNIQUE: usize = 500_000;
const MOST_ROWS: usize = 200_000;
const MOST_BYTES: usize = 32 << 20;

/// What has come out.
#[derive(Debug)]
enum Out {
    Lines(Vec<Vec<u8>>),
    Last(VecDeque<Vec<u8>>),
    Ordered(Vec<(Vec<Cell<'static>>, Vec<u8>)>),
    Rows(Vec<Vec<Cell<'static>>>),
    Groups(Box<Groups>),
    Described(Box<Described>),
}

/// The answer so far.
#[derive(Debug)]
pub struct Run {
    plan: Plan,
    levels: Keys,
    /// How many records each `head` has let through, and what each `uniq` has seen, by the number of its step.
    passed: Vec<usize>,
    seen: Vec<HashSet<Box<[u8]>>>,
    seen_bytes: usize,
    out: Out,
    bytes: usize,
    /// How many records were asked, and how many came through.
    pub asked: u64,
    pub found: u64,
    left_out: u64,
}

impl Run {
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        let out = match &plan.sink {
            Sink::Lines => Out::Lines(Vec::new()),
            Sink::LastLines(_) => Out::Last(VecDeque::new()),
            Sink::OrderedLines { .. } => Out::Ordered(Vec::new()),
            Sink::Rows(_) => Out::Rows(Vec::new()),
            Sink::Groups(grouping) => Out::Groups(Box::new(Groups::new(grouping))),
            Sink::Described => Out::Described(Box::default()),
        };
        let levels = Keys { levels: plan.now.levels.clone(), ..Keys::default() };
        let steps = plan.steps.len();
        Self {
            plan,
            levels,
            passed: vec![0; steps],
            seen: vec![HashSet::new(); steps],
            seen_bytes: 0,
            out,
            bytes: 0,
            asked: 0,
            found: 0,
            left_out: 0,
        }
    }

    /// Takes a record. False if no further one can change the answer.
    pub fn add(&mut self, seen: &Seen<'_>) -> bool {
        let mut cells = Vec::with_capacity(self.plan.fields.len());
        self.plan.fields.read(seen, &mut cells);
        self.asked += 1;
        let mut goes_on = true;
        for (number, step) in self.plan.steps.iter().enumerate() {
            match step {
                Step::Where(condition) => {
                    if !condition.holds(Asked { cells: &cells, line: seen.line, levels: &self.levels }) {
                        return goes_on;
                    }
                }
                Step::Head(most) => {
                    if self.passed[number] >= *most {
                        return false;
                    }
                    self.passed[number] += 1;
                    goes_on &= self.passed[number] < *most;
                }
                Step::Unique(fields) => {
                    let nothing = Cell::Nothing;
                    let key = key_of(fields.iter().map(|field| cells[*field].as_ref().unwrap_or(&nothing)));
                    if self.seen[number].contains(&key) {
                        return goes_on;
                    }
                    if self.seen[number].len() >= MOST_UNIQUE || self.seen_bytes + key.len() > MOST_BYTES {
                        self.left_out += 1;
                        return goes_on;
                    }
                    self.seen_bytes += key.len();
                    self.seen[number].insert(key);
                }
            }
        }
        self.found += 1;
        match (&mut self.out, &self.plan.sink) {
            (Out::Groups(groups), _) => groups.add(&cells, &self.plan.now),
            (Out::Described(described), _) => described.add(seen.line),
            (Out::Rows(rows), Sink::Rows(fields)) => {
                if rows.len() < MOST_ROWS && self.bytes < MOST_BYTES {
                    let row: Vec<_> = fields.iter().map(|field| owned(cells[*field].as_ref())).collect();
                    self.bytes += row.iter().map(size_of_cell).sum::<usize>();
                    rows.push(row);
                } else {
                    self.left_out += 1;
                }
            }
            (Out::Last(lines), Sink::LastLines(most)) => {
                self.bytes += seen.line.len();
                lines.push_back(seen.line.to_vec());
                while lines.len() > *most || (self.bytes > MOST_BYTES && lines.len() > 1) {
                    self.left_out += u64::from(lines.len() <= *most);
                    self.bytes -= lines.pop_front().map_or(0, |line| line.len());
                }
            }
            (Out::Ordered(lines), Sink::OrderedLines { by, most }) => {
                let row = by.iter().map(|(field, _)| owned(cells[*field].as_ref())).collect();
                self.bytes += seen.line.len();
                lines.push((row, seen.line.to_vec()));
                if most.is_some_and(|most| lines.len() >= 2 * most || (self.bytes > MOST_BYTES && lines.len() > most)) {
                    self.cut();
                }
                let Out::Ordered(lines) = &mut self.out else { return goes_on };
                if self.bytes > MOST_BYTES {
                    self.left_out += 1;
                    if let Some((_, line)) = lines.pop() {
                        self.bytes -= line.len();
                    }
                }
            }
            (Out::Lines(lines), _) => lines.push(seen.line.to_vec()),
            _ => {}
        }
        goes_on
    }

    /// Leaves only the first of the lines in their order.
    fn cut(&mut self) {
        let (Out::Ordered(lines), Sink::OrderedLines { by, most }) = (&mut self.out, &self.plan.sink) else { return };
        let by: Vec<_> = by.iter().enumerate().map(|(at, (_, is_descending))| (at, *is_descending)).collect();
        lines.sort_by(|(one, _), (other, _)| order(one, other, &by));
        lines.truncate(most.unwrap_or(usize::MAX));
        self.bytes = lines.iter().map(|(_, line)| line.len()).sum();
    }

    /// The lines that have come out since the last call. Those whose order shows at the end come with the table.
    pub fn take_lines(&mut self) -> Vec<Vec<u8>> {
        if let Out::Lines(lines) = &mut self.out { std::mem::take(lines) } else { Vec::new() }
    }

    /// The lines that had to wait for all others.
    pub fn last_lines(&mut self) -> Vec<Vec<u8>> {
        self.cut();
        match &mut self.out {
            Out::Lines(lines) => std::mem::take(lines),
            Out::Last(lines) => std::mem::take(lines).into(),
            Out::Ordered(lines) => std::mem::take(lines).into_iter().map(|(_, line)| line).collect(),
            Out::Rows(_) | Out::Groups(_) | Out::Described(_) => Vec::new(),
        }
    }

    /// The table as it is now.
    #[must_use]
    pub fn table(&self) -> Table {
        let rows = match &self.out {
            Out::Rows(rows) => rows.clone(),
            Out::Groups(groups) => groups.rows(),
            Out::Described(described) => described.rows(),
            _ => Vec::new(),
        };
        let rows = through(rows, &self.plan.table, &self.levels);
        Table { columns: self.plan.columns.clone(), rows }
    }

    /// What the answer lacks, in sentences.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        let mut left_out = self.left_out;
        if let Out::Groups(groups) = &self.out {
            left_out += groups.left_out;
            if groups.is_rounded {
                remarks.push("quantiles are told to one percent: there are too many values to keep all".into());
            }
            if groups.is_short {
                remarks
                    .push("distinct tells less than there is: there are too many different values to keep all".into());
            }
        }
        if let Out::Described(described) = &self.out
            && described.is_short
        {
            remarks.push("there are more fields than these: there was no room for so many different ones".into());
        }
        if left_out > 0 {
            remarks.push(format!(
                "{left_out} records are not in the answer: there was no room for so many different ones"
            ));
        }
        remarks
    }
}

fn size_of_cell(cell: &Cell<'_>) -> usize {
    size_of::<Cell<'_>>()
        + match cell {
            Cell::Text(text) | Cell::Json(text) => text.len(),
            _ => 0,
        }
}
