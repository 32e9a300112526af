//! A number that somebody else writes to.

use std::sync::Mutex;

use crate::platform::{Number, OwnFile};
use crate::table::lock_briefly;

static WATCHED: Mutex<Option<Watched>> = Mutex::new(None);

struct Watched {
    number: Number,
    lost: fn() -> bool,
}

/// Has `lost` called by whoever finds that the number of `file` leads elsewhere: once, unless it answers false. One that was watched before
/// is no more.
pub fn watch(file: &OwnFile, lost: fn() -> bool) {
    if let Some(mut watched) = lock_briefly(&WATCHED) {
        *watched = Some(Watched { number: file.number(), lost });
    }
}

/// Checks the number that is watched.
pub fn check_watched() {
    let Some(mut watched) = lock_briefly(&WATCHED) else { return };
    if watched.as_ref().is_some_and(|watched| !watched.number.is_held() && (watched.lost)()) {
        *watched = None;
    }
}
