//! The target that FUZZ_TARGET names, driven by libFuzzer.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

#[path = "../targets.rs"]
mod targets;

static TARGET: LazyLock<targets::Target> = LazyLock::new(|| {
    let wanted = std::env::var("FUZZ_TARGET").expect("FUZZ_TARGET names the target");
    targets::TARGETS.iter().find(|(name, _)| *name == wanted).expect("FUZZ_TARGET is one of the targets").1
});

fuzz_target!(|bytes: &[u8]| TARGET(bytes));
