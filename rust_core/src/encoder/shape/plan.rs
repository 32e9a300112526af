//! The steps in which a line is put together. What is known stands in whole pieces between them; what repeats is cached by its step.

use super::member::{Id, Is, OfError, OfLevel, OfSite};
use super::node::{Node, has_key};
use super::runs::joined;
use crate::encoder::json::piece::Piece;
use crate::encoder::json::put_number;
use crate::record::Site;
use crate::table::View;
use crate::value::put_quoted;

/// A key with its comma and its colon, and what stands there.
pub type Keyed<T> = (Vec<u8>, T);

#[derive(Debug)]
pub struct Step {
    pub op: Op,
    /// Whether it may be the first of its object: then its comma goes.
    pub may_be_first: bool,
}

#[derive(Debug)]
pub enum Op {
    Put(Piece),
    Time,
    Nanoseconds,
    Message,
    Process(Processes),
    Named(Named),
    Site(Sites),
    Thread(Threads),
    /// Ids of the context. The first of these steps is cached with the context.
    Ids {
        ids: Vec<Keyed<Id>>,
        is_cached: bool,
    },
    Recovered(Piece),
    Exception(Piece),
    Error(Piece, OfError),
    Stack(Piece),
    Fields,
    /// Steps whose bytes are mostly copied at once: see `runs`.
    Joined(Vec<Op>),
    /// What only records with an exception or a stack have, and recovered ones.
    Rare(Vec<Op>),
    /// Begins an object that may turn out to have no members, and ends it.
    Open(Piece),
    Close,
}

#[derive(Clone, Copy, Debug)]
pub enum OfName {
    Level(OfLevel),
    Logger,
}

/// What is known before and after members that are cached: it stands in the same piece.
#[derive(Debug, Default)]
pub struct Around {
    pub before: Vec<u8>,
    pub after: Vec<u8>,
}

impl Around {
    /// Puts members with what is around them.
    #[inline]
    pub fn put(&self, out: &mut Vec<u8>, put: impl FnOnce(&mut Vec<u8>)) {
        out.extend_from_slice(&self.before);
        put(out);
        out.extend_from_slice(&self.after);
    }
}

/// The number of the process.
#[derive(Debug)]
pub struct Processes {
    pub around: Around,
    pub number: u32,
    /// That of the process itself.
    pub own: Piece,
}

/// Members that level and logger decide.
#[derive(Debug)]
pub struct Named {
    pub around: Around,
    pub members: Vec<Keyed<OfName>>,
    pub is_bare: bool,
    pub cache: View<String, Vec<(i32, Piece)>>,
}

/// Members that the call site decides.
#[derive(Debug)]
pub struct Sites {
    pub around: Around,
    pub members: Vec<Keyed<OfSite>>,
    pub is_bare: bool,
    pub cache: View<Site, Piece>,
}

/// The thread.
#[derive(Debug)]
pub struct Threads {
    pub around: Around,
    pub key: Vec<u8>,
    pub is_bare: bool,
    pub cache: View<String, Piece>,
}

/// Whether what comes next is the first member of its object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum First {
    Yes,
    /// If what came before it is absent.
    Maybe,
    No,
}

struct Planner {
    process: u32,
    steps: Vec<Step>,
    /// What is known, before the next step.
    known: Vec<u8>,
    known_may_be_first: bool,
    first: First,
    has_ids: bool,
}

/// The steps of a line with these members, of a process with this number.
pub fn plan(members: &[(String, Node)], process: u32) -> Vec<Step> {
    let mut planner = Planner {
        process,
        steps: Vec::new(),
        known: b"{".to_vec(),
        known_may_be_first: false,
        first: First::Yes,
        has_ids: false,
    };
    planner.members(members);
    planner.known.extend_from_slice(b"}\n");
    planner.flush();
    for step in &mut planner.steps {
        if let Op::Process(Processes { around, number, own }) = &mut step.op {
            *own = Piece::new(|out| around.put(out, |out| put_number(out, *number)));
        }
    }
    joined(planner.steps)
}

/// Whether only few records have it.
fn is_rare(node: &Node) -> bool {
    matches!(node, Node::Of(Is::Recovered | Is::Exception | Is::Error(_) | Is::Stack))
}

/// Whether it stands in every line.
fn is_certain(node: &Node) -> bool {
    match node {
        Node::Known(_) => true,
        Node::Of(is) => {
            matches!(is, Is::Time | Is::Nanoseconds | Is::Logger | Is::Message | Is::Site(_) | Is::Thread | Is::Process)
                || matches!(is, Is::Level(of) if !matches!(of, OfLevel::OtherName))
        }
        Node::Object(members) => members.iter().any(|(_, node)| is_certain(node)),
        Node::Fields => false,
    }
}

/// `,"key":`
fn keyed(key: &str) -> Vec<u8> {
    let mut out = vec![b','];
    put_quoted(key, &mut out);
    out.push(b':');
    out
}

/// `"key":`, and what follows.
fn piece(key: &str, then: &[u8]) -> Piece {
    Piece::new(|out| {
        put_quoted(key, out);
        out.push(b':');
        out.extend_from_slice(then);
    })
}

impl Planner {
    fn members(&mut self, members: &[(String, Node)]) {
        let mut rest = members;
        while let Some(((key, node), tail)) = rest.split_first() {
            rest = tail;
            match node {
                Node::Known(json) => {
                    self.key(key);
                    self.known.extend_from_slice(json.as_bytes());
                }
                Node::Of(is) => rest = self.of(*is, key, rest),
                Node::Object(inner) => self.object(key, inner),
                Node::Fields => self.uncertain(Op::Fields),
            }
        }
    }

    fn object(&mut self, key: &str, inner: &[(String, Node)]) {
        if inner.iter().any(|(_, node)| is_certain(node)) {
            self.key(key);
            self.known.push(b'{');
            self.first = First::Yes;
            self.members(inner);
            self.known.push(b'}');
            self.first = First::No;
        } else if inner.iter().all(|(_, node)| is_rare(node)) {
            self.rare(Op::Open(piece(key, b"{")));
            let outer = self.first;
            self.members(inner);
            self.rare(Op::Close);
            self.first = outer;
        } else {
            self.uncertain(Op::Open(piece(key, b"{")));
            let outer = std::mem::replace(&mut self.first, First::Yes);
            self.members(inner);
            self.flush();
            self.step(Op::Close, false);
            self.first = outer;
        }
    }

    /// Plans a member, with those of `rest` that one cache can hold with it. Returns the others.
    fn of<'m>(&mut self, is: Is, key: &str, rest: &'m [(String, Node)]) -> &'m [(String, Node)] {
        match is {
            Is::Time => self.quoted(key, Op::Time),
            Is::Nanoseconds => self.quoted(key, Op::Nanoseconds),
            Is::Message => {
                self.key(key);
                self.flush();
                self.step(Op::Message, false);
            }
            Is::Process => {
                self.key(key);
                let around = self.around(false);
                self.step(Op::Process(Processes { around, number: self.process, own: Piece::default() }), false);
            }
            Is::Thread => {
                let is_bare = self.first == First::Yes;
                let around = self.around(self.may_be_first(true));
                self.cached(Op::Thread(Threads { around, key: keyed(key), is_bare, cache: View::new() }), true);
            }
            Is::Level(_) | Is::Logger => {
                let (members, rest) = run(is, key, rest, |is| match is {
                    Is::Level(of) => Some(OfName::Level(of)),
                    Is::Logger => Some(OfName::Logger),
                    _ => None,
                });
                let is_certain = members.iter().any(|(_, of)| !matches!(of, OfName::Level(OfLevel::OtherName)));
                let is_bare = self.first == First::Yes && is_certain;
                let around = self.around(self.may_be_first(is_certain));
                self.cached(Op::Named(Named { around, members, is_bare, cache: View::new() }), is_certain);
                return rest;
            }
            Is::Site(_) => {
                let (members, rest) = run(is, key, rest, |is| if let Is::Site(of) = is { Some(of) } else { None });
                let is_bare = self.first == First::Yes;
                let around = self.around(self.may_be_first(true));
                self.cached(Op::Site(Sites { around, members, is_bare, cache: View::new() }), true);
                return rest;
            }
            Is::Id(_) => {
                let (ids, rest) = run(is, key, rest, |is| if let Is::Id(id) = is { Some(id) } else { None });
                let is_cached = !std::mem::replace(&mut self.has_ids, true);
                self.uncertain(Op::Ids { ids, is_cached });
                return rest;
            }
            Is::Recovered => self.rare(Op::Recovered(piece(key, b"true"))),
            Is::Exception => self.rare(Op::Exception(piece(key, b""))),
            Is::Error(of) => self.rare(Op::Error(piece(key, b""), of)),
            Is::Stack => self.rare(Op::Stack(piece(key, b""))),
            // These are nodes of other kinds.
            Is::Constant(_) | Is::OfProcess(..) | Is::ProcessFields | Is::ProcessTexts | Is::Fields | Is::Object(_) => {
            }
        }
        rest
    }

    /// A key that stands in every line.
    fn key(&mut self, key: &str) {
        match self.first {
            First::Yes => {}
            First::Maybe => {
                self.flush();
                self.known_may_be_first = true;
                self.known.push(b',');
            }
            First::No => self.known.push(b','),
        }
        put_quoted(key, &mut self.known);
        self.known.push(b':');
        self.first = First::No;
    }

    /// A text that stands in every line and needs no escapes.
    fn quoted(&mut self, key: &str, op: Op) {
        self.key(key);
        self.known.push(b'"');
        self.flush();
        self.step(op, false);
        self.known.push(b'"');
    }

    /// What is known before a cached step, and not yet put. Nothing where the step may have to do without its comma.
    fn around(&mut self, may_be_first: bool) -> Around {
        if may_be_first || self.known_may_be_first {
            self.flush();
        }
        Around { before: std::mem::take(&mut self.known), after: Vec::new() }
    }

    /// Whether a step may be the first of its object. The first of all does without its comma from the start, if it is certain.
    fn may_be_first(&self, is_certain: bool) -> bool {
        if is_certain { self.first == First::Maybe } else { self.first != First::No }
    }

    /// Members with their keys and commas.
    fn cached(&mut self, op: Op, is_certain: bool) {
        self.flush();
        self.step(op, self.may_be_first(is_certain));
        self.passed(is_certain);
    }

    fn uncertain(&mut self, op: Op) {
        self.cached(op, false);
    }

    /// What sees to its comma itself, and is mostly absent.
    fn rare(&mut self, op: Op) {
        self.flush();
        match self.steps.last_mut() {
            Some(Step { op: Op::Rare(ops), .. }) => ops.push(op),
            _ => self.step(Op::Rare(vec![op]), false),
        }
        self.passed(false);
    }

    fn passed(&mut self, is_certain: bool) {
        if is_certain {
            self.first = First::No;
        } else if self.first == First::Yes {
            self.first = First::Maybe;
        }
    }

    fn flush(&mut self) {
        let known = std::mem::take(&mut self.known);
        let may_be_first = std::mem::take(&mut self.known_may_be_first);
        if known.is_empty() {
            return;
        }
        let last = self.steps.last_mut().map(|step| &mut step.op);
        let around = match last {
            Some(Op::Named(Named { around, .. })) => Some(around),
            Some(Op::Site(Sites { around, .. })) => Some(around),
            Some(Op::Thread(Threads { around, .. })) => Some(around),
            Some(Op::Process(Processes { around, .. })) => Some(around),
            _ => None,
        };
        match around {
            Some(around) if !may_be_first => around.after.extend_from_slice(&known),
            _ => self.step(Op::Put(Piece::new(|out| out.extend_from_slice(&known))), may_be_first),
        }
    }

    fn step(&mut self, op: Op, may_be_first: bool) {
        self.steps.push(Step { op, may_be_first });
    }
}

/// A member and those right after it of the same kind. Returns them, and the others.
fn run<'m, T>(
    is: Is,
    key: &str,
    rest: &'m [(String, Node)],
    of: impl Fn(Is) -> Option<T>,
) -> (Vec<Keyed<T>>, &'m [(String, Node)]) {
    let mut members: Vec<Keyed<T>> = of(is).map(|of| (keyed(key), of)).into_iter().collect();
    let mut rest = rest;
    while let Some(((key, node), tail)) = rest.split_first() {
        let Some(of) = (if let Node::Of(is) = node { of(*is) } else { None }) else { break };
        debug_assert!(has_key(node));
        members.push((keyed(key), of));
        rest = tail;
    }
    (members, rest)
}
