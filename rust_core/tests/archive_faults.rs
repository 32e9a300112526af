//! A process dies at each step of packing. The lines are always in a file that can be read, and after the clearing away in exactly one. Run by
//! `scripts/check.py` with the feature `fault_injection`.
#![cfg(unix)]

use std::fs;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use unified_logger_core::archive::{
    Archive, Job, Keys, Kind, Method, Outcome, Settled, is_temporary, pack, packed_name, remove_leftovers, settle,
};
use unified_logger_core::fault_injection::{self, Fault};

#[path = "../src/archive/sample.rs"]
#[allow(dead_code, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
mod sample;

const GENERATION: u64 = 42;
/// The steps, how often each is passed before the process dies, and what is there then.
const DEATHS: [(Fault, u32, There); 8] = [
    (Fault::PackPart, 0, There::Original),
    (Fault::PackPart, 2, There::Original),
    (Fault::PackWritten, 0, There::Original),
    (Fault::PackSynced, 0, There::Original),
    (Fault::PackVerified, 0, There::Original),
    (Fault::PackNamed, 0, There::Both),
    (Fault::PackKept, 0, There::Going),
    (Fault::PackRemoved, 0, There::Packed),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum There {
    Original,
    Both,
    /// The packed file, and the original under the name of a file that goes.
    Going,
    Packed,
}

/// Only one fault is armed at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn kinds() -> [Kind; 2] {
    [Kind::Gzip, Kind::Zstd]
}

fn pack_file(source: &Path, kind: Kind) -> unified_logger_core::error::Result<Outcome> {
    let job = Job {
        source,
        target: &packed_name(source, kind),
        method: Method::new(kind, None).unwrap(),
        generation: GENERATION,
        first_sequence: None,
        keys: &Keys::default(),
        names: None,
    };
    pack(&job, &mut |_| ControlFlow::Continue(()))
}

/// What the process that dies does: it is this program, started again.
#[test]
#[ignore = "it dies"]
fn the_process_that_dies() {
    let variable = |name: &str| std::env::var(name).unwrap();
    let (fault, skip, _) = DEATHS[variable("DEATH").parse::<usize>().unwrap()];
    // A panic ends the process at once: nothing is cleared away on the way.
    std::panic::set_hook(Box::new(|_| std::process::abort()));
    fault_injection::arm(fault, skip, 1);
    let _ = pack_file(&PathBuf::from(variable("SOURCE")), kinds()[variable("KIND").parse::<usize>().unwrap()]);
}

fn content(path: &Path) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    Archive::open(path, None).ok()?.stream(0).ok()?.read_to_end(&mut out).ok()?;
    Some(out)
}

#[test]
fn a_death_at_any_step_leaves_the_lines_in_one_readable_place() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (text, _) = sample::lines(5 << 19, 1);
    for (number, kind) in kinds().into_iter().enumerate() {
        for (death, (fault, _, there)) in DEATHS.into_iter().enumerate() {
            let directory = tempfile::tempdir().unwrap();
            let source = directory.path().join("app.log.1");
            let target = packed_name(&source, kind);
            fs::write(&source, &text).unwrap();
            let status = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "the_process_that_dies", "--ignored"])
                .env("DEATH", death.to_string())
                .env("KIND", number.to_string())
                .env("SOURCE", &source)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .unwrap();
            assert!(!status.success(), "{fault:?} was not passed");
            let found = (source.exists(), target.exists());
            let expected = (there != There::Going && there != There::Packed, there != There::Original);
            assert_eq!(found, expected, "{fault:?}");
            for path in [&source, &target] {
                assert!(!path.exists() || content(path).as_ref() == Some(&text), "{fault:?} {}", path.display());
            }
            // The next start.
            let left = remove_leftovers(directory.path()).unwrap();
            assert_eq!(left.len(), usize::from(matches!(there, There::Original | There::Going)), "{fault:?}");
            let settled = settle(&source, &target, &mut None, &mut |_| ControlFlow::Continue(()), |end| end()).unwrap();
            assert_eq!(settled, if there == There::Both { Settled::Finished } else { Settled::Nothing }, "{fault:?}");
            if there == There::Original {
                assert!(matches!(pack_file(&source, kind).unwrap(), Outcome::Packed(_)));
            }
            let names: Vec<_> =
                fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            assert_eq!(names, [target.file_name().unwrap()], "{fault:?}");
            assert_eq!(content(&target).as_ref(), Some(&text), "{fault:?}");
        }
    }
}

/// A panic is a defect, and costs no file either.
#[test]
fn a_panic_at_any_step_leaves_one_file_or_both() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (text, _) = sample::lines(5 << 19, 2);
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    for (fault, skip, there) in DEATHS {
        let directory = tempfile::tempdir().unwrap();
        let source = directory.path().join("app.log.1");
        fs::write(&source, &text).unwrap();
        fault_injection::arm(fault, skip, 1);
        let panicked = std::panic::catch_unwind(|| pack_file(&source, Kind::Zstd)).is_err();
        assert!(panicked, "{fault:?} was not passed");
        assert_eq!(fault_injection::disarm(), 0);
        let target = packed_name(&source, Kind::Zstd);
        let expected = (matches!(there, There::Original | There::Both), there != There::Original);
        assert_eq!((source.exists(), target.exists()), expected, "{fault:?}");
        let names = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name());
        assert!(names.into_iter().all(|name| !is_temporary(&name)), "{fault:?}");
    }
    std::panic::set_hook(usual);
}
