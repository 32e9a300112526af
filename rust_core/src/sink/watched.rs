//! A file's number that other code writes to.

use std::sync::Mutex;

use crate::platform::{Number, OwnFile};
use crate::table::lock_briefly;

static WATCHED: Mutex<Option<Watched>> = Mutex::new(None);

struct Watched {
    number: Number,
    lost: fn() -> bool,
}

/// Watches the number of `file`. A check that finds it leading elsewhere calls `lost`, until `lost` returns true. The
/// number that was watched before is no longer watched.
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
