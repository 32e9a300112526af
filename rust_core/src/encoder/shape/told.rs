//! Where lines have what searches ask for.

use super::Shape;
use super::member::{Id, Is, OfLevel};
use super::node::Node;
use crate::encoder::Process;

/// Keys of lines. A key inside an object follows the object's and a dot. `None` is what lines do not have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub time: Option<String>,
    /// Whether the time is nanoseconds since 1970, and no text with a date.
    pub is_number: bool,
    /// Of the name of the level, or of the severity that stands for it.
    pub level: Option<String>,
    pub logger: Option<String>,
    pub trace: Option<String>,
}

impl Shape {
    /// Where lines of this shape have what searches ask for.
    #[must_use]
    pub fn told(&self, of: &Process) -> Told {
        let mut told = Told::default();
        find("", &self.members(of), &mut told);
        told
    }
}

fn find(prefix: &str, members: &[(String, Node)], told: &mut Told) {
    for (key, node) in members {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        let place = match node {
            Node::Object(inner) => {
                find(&path, inner, told);
                continue;
            }
            Node::Of(is) => match is {
                Is::Time => &mut told.time,
                Is::Nanoseconds => {
                    told.is_number = told.time.is_none();
                    &mut told.time
                }
                Is::Level(OfLevel::Name | OfLevel::LowerName | OfLevel::Severity(_)) => &mut told.level,
                Is::Logger => &mut told.logger,
                Is::Id(Id::Trace | Id::TraceOfProject) => &mut told.trace,
                _ => continue,
            },
            Node::Known(_) | Node::Fields => continue,
        };
        place.get_or_insert(path);
    }
}
