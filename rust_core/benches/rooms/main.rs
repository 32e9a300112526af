//! How long the engine's rooms take, one by one, in the order data flows: `make bench-micro`. A new room is a module here and a
//! line in `ROOMS`. Without `--bench`, as `cargo test` runs it, each bench runs once.

use std::time::Duration;

use criterion::Criterion;

#[cfg(unix)]
mod archive;
mod checksum;
mod encoder;
mod exception;
mod guide;
mod pipeline;
mod queue;
mod record;
#[cfg(unix)]
mod recovery;
mod redaction;
mod router;
mod show;
mod sink;
mod slab;

const ROOMS: &[fn(&mut Criterion)] = &[
    checksum::bench,
    exception::bench,
    record::bench,
    slab::bench,
    queue::bench,
    router::bench,
    redaction::bench,
    encoder::bench,
    #[cfg(unix)]
    archive::bench,
    show::bench,
    sink::bench,
    pipeline::bench,
    #[cfg(unix)]
    recovery::bench,
];

fn main() {
    // Short, so that all of them are run; options of the command line say otherwise.
    let mut criterion = Criterion::default()
        .sample_size(50)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    for room in ROOMS {
        room(&mut criterion);
    }
    criterion.final_summary();
}
