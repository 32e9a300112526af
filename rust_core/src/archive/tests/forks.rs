//! A child that is forked while a file is read or packed keeps none of the files open.

use super::*;
use crate::unshared::leave_files_to_parent;

/// The numbers under which files of a directory are open.
fn open_in(directory: &Path) -> Vec<i32> {
    let numbers = fs::read_dir("/proc/self/fd").unwrap().flatten();
    let leads_there = |path: &PathBuf| fs::read_link(path).is_ok_and(|to| to.starts_with(directory));
    let numbers = numbers.map(|entry| entry.path()).filter(leads_there);
    numbers.filter_map(|path| path.file_name()?.to_str()?.parse().ok()).collect()
}

/// Forks at the first part. Returns how many files were open, and whether the child has closed them.
fn at_a_fork(place: &Place, work: impl FnOnce(Pace<'_>)) -> (usize, bool) {
    let mut seen = None;
    work(&mut |_| {
        if seen.is_none() {
            let open = open_in(place.directory.path());
            // SAFETY: the child closes files and looks at numbers, then ends at once.
            let status = unsafe {
                let child = libc::fork();
                if child == 0 {
                    leave_files_to_parent();
                    let is_open = |number: &i32| libc::fcntl(*number, libc::F_GETFD) != -1;
                    libc::_exit(i32::from(open.iter().any(is_open)));
                }
                let mut status = 0;
                libc::waitpid(child, &raw mut status, 0);
                status
            };
            seen = Some((open.len(), status == 0));
        }
        ControlFlow::Continue(())
    });
    seen.unwrap()
}

#[test]
fn a_child_keeps_no_file_open_that_is_packed_indexed_counted_or_compared() {
    if !Path::new("/proc/self/fd").exists() {
        eprintln!("skipped: the system does not tell which files are open");
        return;
    }
    let (text, _) = lines(2 << 20, 8);
    for kind in KINDS {
        let place = place(kind, &text);
        let index = |path: &Path, pace: Pace<'_>| {
            assert!(index_file(path, GENERATION, None, &Keys::default(), pace).unwrap().is_some());
        };
        assert_eq!(at_a_fork(&place, |pace| index(&place.source, pace)), (1, true));
        let packed = |pace: Pace<'_>| assert!(matches!(place.pack_at(pace).unwrap(), Outcome::Packed(_)));
        assert_eq!(at_a_fork(&place, packed), (2, true));
        assert_eq!(at_a_fork(&place, |pace| index(&place.target, pace)), (1, true));
        let identity = crate::platform::identity_at(&place.target).unwrap();
        let count = |pace: Pace<'_>| assert!(count_lines(&place.target, identity, pace).unwrap().is_some());
        assert_eq!(at_a_fork(&place, count), (1, true));
        fs::write(&place.source, &text).unwrap();
        let settled = |pace: Pace<'_>| {
            assert_eq!(settle(&place.source, &place.target, &mut None, pace, |end| end()).unwrap(), Settled::Finished);
        };
        assert_eq!(at_a_fork(&place, settled), (2, true));
    }
}
