use std::fs;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::sample::lines;
use super::*;

mod begun;
mod damage;
#[cfg(unix)]
mod forks;
mod settle;

const GENERATION: u64 = 0x1234_5678_9ABC;

struct Place {
    directory: tempfile::TempDir,
    source: PathBuf,
    target: PathBuf,
    method: Method,
}

fn place(kind: Kind, text: &[u8]) -> Place {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("app.log.1");
    fs::write(&source, text).unwrap();
    Place { target: packed_name(&source, kind), source, method: Method::new(kind, None).unwrap(), directory }
}

const KINDS: [Kind; 2] = [Kind::Gzip, Kind::Zstd];

impl Place {
    fn pack_at(&self, pace: Pace<'_>) -> crate::error::Result<Outcome> {
        let job = Job {
            source: &self.source,
            target: &self.target,
            method: self.method,
            generation: GENERATION,
            first_sequence: Some(5),
            keys: &Keys::default(),
            names: None,
        };
        pack(&job, pace)
    }

    fn pack(&self) -> Packed {
        match self.pack_at(&mut |_| ControlFlow::Continue(())).unwrap() {
            Outcome::Packed(packed) => packed,
            other => panic!("{other:?}"),
        }
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory.path()).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn name_of(path: &Path) -> String {
        path.file_name().unwrap().to_str().unwrap().to_owned()
    }
}

fn all(archive: &mut Archive, offset: u64) -> Vec<u8> {
    let mut out = Vec::new();
    archive.stream(offset).unwrap().read_to_end(&mut out).unwrap();
    out
}

#[test]
fn a_packed_file_takes_the_place_of_the_original() {
    for kind in KINDS {
        let (text, _) = lines(3 << 20, 1);
        let place = place(kind, &text);
        let before = fs::metadata(&place.source).unwrap();
        let mut seen = 0;
        let outcome = place.pack_at(&mut |bytes| {
            seen += bytes;
            ControlFlow::Continue(())
        });
        let Outcome::Packed(packed) = outcome.unwrap() else { panic!() };
        assert_eq!(place.names(), [Place::name_of(&place.target)]);
        let meta = fs::metadata(&place.target).unwrap();
        assert_eq!((packed.length, packed.packed_length), (text.len() as u64, meta.len()));
        assert_eq!(meta.modified().unwrap(), before.modified().unwrap());
        assert_eq!(meta.permissions(), before.permissions());
        // Packed, and read back.
        assert_eq!(seen, 2 * text.len() as u64);
        let index = Index::read(&packed.index).unwrap();
        assert_eq!((index.header().generation, index.header().first_sequence), (GENERATION, Some(5)));
        assert_eq!((index.header().kind, index.header().lines), (kind, packed.lines));
        assert!(
            packed.index.len() as u64 * 50 < packed.packed_length,
            "{} of {}",
            packed.index.len(),
            packed.packed_length
        );
        for index in [None, Some(&index)] {
            let mut archive = Archive::open(&place.target, index).unwrap();
            assert_eq!(archive.mark(), Some(Mark { generation: GENERATION }));
            assert_eq!(all(&mut archive, 0), text);
        }
    }
}

#[test]
fn parts_are_read_alone_with_an_index_and_without() {
    for kind in [Kind::Plain, Kind::Gzip, Kind::Zstd] {
        let (text, _) = lines(3 << 20, 2);
        let place = place(kind, &text);
        let bytes = if kind == Kind::Plain {
            index_file(&place.source, GENERATION, Some(5), &Keys::default(), &mut |_| ControlFlow::Continue(()))
                .unwrap()
                .unwrap()
        } else {
            place.pack().index
        };
        let index = Index::read(&bytes).unwrap();
        assert_eq!(index.parts().len(), 4);
        let by = [KnownBy::Nothing, KnownBy::Heads, KnownBy::Table][kind as usize];
        for (index, known_by) in [(None, by), (Some(&index), KnownBy::Index)] {
            let mut archive = Archive::open(&place.target, index).unwrap();
            assert_eq!(archive.known_by(), known_by);
            let mut part = Vec::new();
            for number in (0..archive.extents().len()).rev() {
                archive.read_part(number, &mut part).unwrap();
                let extent = archive.extents()[number];
                assert_eq!(part, text[extent.at as usize..][..extent.length as usize]);
                assert!(part.ends_with(b"\n"));
            }
            assert!(archive.read_part(4, &mut part).is_err());
            for offset in [0, 1, text.len() / 2, text.len() - 1, text.len(), text.len() + 9] {
                assert_eq!(all(&mut archive, offset as u64), text[offset.min(text.len())..]);
            }
        }
        // The index comes again of the packed file alone.
        let again =
            index_file(&place.target, GENERATION, Some(5), &Keys::default(), &mut |_| ControlFlow::Continue(()));
        assert_eq!(again.unwrap().unwrap(), bytes);
    }
}

/// Shows every line.
const RIPGREP: &[&str] = &["rg", "-z", "-N", "-I", ""];

#[test]
fn other_programs_read_what_is_packed() {
    let (text, _) = lines(3 << 20, 3);
    for (kind, programs) in [
        (Kind::Gzip, &[&["gzip", "-t"][..], &["gzip", "-dc"], &["zcat"], RIPGREP][..]),
        (
            Kind::Zstd,
            &[&["zstd", "-t"], &["zstdcat"], &["zstd", "-dc", "--memory=8MB"], RIPGREP, &["zstd", "--list", "-v"]],
        ),
    ] {
        for text in [&text[..], b"", b"no line"] {
            let place = place(kind, text);
            place.pack();
            for program in programs {
                let run = Command::new(program[0]).args(&program[1..]).arg(&place.target).stdin(Stdio::null()).output();
                let Ok(output) = run else {
                    eprintln!("{program:?} is not here");
                    continue;
                };
                let is_done = output.status.success() || (program[0] == "rg" && text.is_empty());
                assert!(is_done, "{program:?} {}", String::from_utf8_lossy(&output.stderr));
                if !matches!(program.get(1), Some(&("-t" | "--list"))) && (program[0] != "rg" || text.ends_with(b"\n"))
                {
                    assert!(output.stdout == text, "{program:?}");
                }
            }
        }
    }
}

#[test]
fn what_other_programs_pack_is_read_from_its_beginning() {
    let (text, _) = lines(2 << 20, 4);
    for (kind, program) in [(Kind::Gzip, &["gzip", "-1"][..]), (Kind::Zstd, &["zstd", "-q", "--rm"])] {
        let place = place(kind, &text);
        let Ok(status) = Command::new(program[0]).args(&program[1..]).arg(&place.source).status() else { continue };
        assert!(status.success());
        let mut archive = Archive::open(&place.target, None).unwrap();
        assert_eq!((archive.kind(), archive.known_by(), archive.mark()), (kind, KnownBy::Nothing, None));
        assert_eq!(all(&mut archive, 1_000_000), text[1_000_000..]);
        let refused = index_file(&place.target, 1, None, &Keys::default(), &mut |_| ControlFlow::Continue(()));
        assert!(refused.unwrap_err().to_string().ends_with("its parts cannot be read alone"));
    }
}

#[test]
fn lines_of_any_length_come_back() {
    for kind in KINDS {
        let long = [b"a\n", &[b'x'; 3 * PART][..], b"\nb\nno end"].concat();
        let many = vec![b'\n'; PART + 1];
        for text in [&b""[..], b"\n", b"torn", &long, &many] {
            let place = place(kind, text);
            let packed = place.pack();
            assert_eq!(packed.length, text.len() as u64);
            let index = Index::read(&packed.index).unwrap();
            for index in [None, Some(&index)] {
                assert_eq!(all(&mut Archive::open(&place.target, index).unwrap(), 0), text);
            }
        }
    }
}

#[test]
fn work_that_is_ended_leaves_the_original() {
    for kind in KINDS {
        let (text, _) = lines(2 << 20, 5);
        // In the packing, and in the reading back.
        for steps in [0, 2, 4] {
            let place = place(kind, &text);
            let mut left = steps;
            let outcome = place.pack_at(&mut |_| {
                left -= 1;
                if left < 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            assert_eq!(outcome.unwrap(), Outcome::Stopped, "{steps}");
            assert_eq!(place.names(), ["app.log.1"]);
        }
    }
}

#[test]
fn a_file_that_changes_meanwhile_is_left_alone() {
    use std::io::Write;
    let (text, _) = lines(2 << 20, 6);
    let append = |path: &Path| fs::File::options().append(true).open(path).unwrap().write_all(b"late\n").unwrap();
    let touch = |path: &Path| fs::File::open(path).unwrap().set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    let replace = |path: &Path| {
        fs::rename(path, path.with_extension("2")).unwrap();
        fs::write(path, "other").unwrap();
    };
    let remove = |path: &Path| fs::remove_file(path).unwrap();
    let shorten = |path: &Path| fs::write(path, "x").unwrap();
    let changes: [&(dyn Fn(&Path) + Sync); 5] = [&append, &touch, &replace, &remove, &shorten];
    for change in changes {
        for when in [1, 4] {
            let place = place(Kind::Zstd, &text);
            let mut step = 0;
            let outcome = place.pack_at(&mut |_| {
                step += 1;
                if step == when {
                    change(&place.source);
                }
                ControlFlow::Continue(())
            });
            assert_eq!(outcome.unwrap(), Outcome::Changed);
            assert!(!place.target.exists());
            assert!(place.names().iter().all(|name| !is_temporary(name.as_ref())));
        }
    }
}

#[test]
fn a_name_that_exists_is_never_written_over() {
    let place = place(Kind::Zstd, b"a\n");
    fs::write(&place.target, "here").unwrap();
    assert_eq!(place.pack_at(&mut |_| ControlFlow::Continue(())).unwrap(), Outcome::Taken);
    fs::remove_file(&place.target).unwrap();
    // It is made while the file is packed.
    let outcome = place.pack_at(&mut |_| {
        fs::write(&place.target, "here").unwrap();
        ControlFlow::Continue(())
    });
    assert_eq!(outcome.unwrap(), Outcome::Taken);
    assert_eq!(
        (fs::read(&place.target).unwrap(), fs::read(&place.source).unwrap()),
        (b"here".to_vec(), b"a\n".to_vec())
    );
    assert_eq!(place.names().len(), 2);
}

#[test]
fn bytes_that_the_device_changed_are_noticed() {
    let (text, _) = lines(2 << 20, 7);
    for kind in KINDS {
        for at in [100, 60_000] {
            let place = place(kind, &text);
            let temporary = temporary_name(&place.target);
            let mut step = 0;
            let result = place.pack_at(&mut |_| {
                step += 1;
                // The last part is packed, the end of the file is not.
                if step == 3 {
                    let mut packed = fs::read(&temporary).unwrap();
                    packed[at] ^= 1;
                    fs::write(&temporary, packed).unwrap();
                }
                ControlFlow::Continue(())
            });
            let error = result.unwrap_err().to_string();
            assert!(error.starts_with("cannot read back "), "{error}");
            assert_eq!(place.names(), ["app.log.1"]);
        }
    }
}

#[cfg(unix)]
#[test]
fn links_are_not_followed_and_rights_are_kept() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let place = place(Kind::Zstd, b"a\n");
    fs::set_permissions(&place.source, fs::Permissions::from_mode(0o440)).unwrap();
    let (link, target) = (place.directory.path().join("link"), place.directory.path().join("link.zst"));
    symlink(&place.source, &link).unwrap();
    let other =
        Place { source: link, target: target.clone(), method: place.method, directory: tempfile::tempdir().unwrap() };
    let error = other.pack_at(&mut |_| ControlFlow::Continue(())).unwrap_err();
    assert!(error.to_string().contains("symbolic link"), "{error}");
    assert!(!target.exists());
    fs::remove_file(&other.source).unwrap();
    // Nor a link in the place of the packed file.
    symlink("nowhere", &place.target).unwrap();
    assert_eq!(place.pack_at(&mut |_| ControlFlow::Continue(())).unwrap(), Outcome::Taken);
    fs::remove_file(&place.target).unwrap();
    place.pack();
    assert_eq!(fs::metadata(&place.target).unwrap().permissions().mode() & 0o777, 0o440);
}

#[test]
fn what_a_dead_process_left_is_cleared_away_and_what_a_live_one_writes_is_not() {
    let (text, _) = lines(2 << 20, 8);
    for kind in KINDS {
        let place = place(kind, &text);
        let temporary = temporary_name(&place.target);
        fs::write(&temporary, "half").unwrap();
        assert_eq!(place.pack_at(&mut |_| ControlFlow::Continue(())).unwrap(), Outcome::Busy);
        assert_eq!(remove_leftovers(place.directory.path()).unwrap(), [temporary]);
        let outcome = place.pack_at(&mut |_| {
            assert!(remove_leftovers(place.directory.path()).unwrap().is_empty());
            ControlFlow::Continue(())
        });
        assert!(matches!(outcome.unwrap(), Outcome::Packed(_)));
        // Both are there, as after a death between two steps.
        let settled = || {
            settle(&place.source, &place.target, &mut None, &mut |_| ControlFlow::Continue(()), |end| end()).unwrap()
        };
        assert_eq!(settled(), Settled::Nothing);
        fs::write(&place.source, &text[1..]).unwrap();
        assert_eq!(settled(), Settled::Different);
        fs::write(&place.source, &text).unwrap();
        let refused = |_: &dyn Fn() -> crate::error::Result<Settled>| Ok(Settled::Different);
        let pace: Pace<'_> = &mut |_| ControlFlow::Continue(());
        assert_eq!(settle(&place.source, &place.target, &mut None, pace, refused).unwrap(), Settled::Different);
        assert_eq!(settled(), Settled::Finished);
        assert_eq!(place.names(), [Place::name_of(&place.target)]);
        // Somebody wrote to the original.
        fs::write(&place.source, [&text[..], b"more\n"].concat()).unwrap();
        assert_eq!(settled(), Settled::Undone);
        assert_eq!(place.names(), [Place::name_of(&place.source)]);
    }
}

/// Looks at the directory while names are kept.
struct Looks<'a>(&'a Place, std::sync::Mutex<Vec<String>>);

impl Names for Looks<'_> {
    fn keep(
        &self,
        work: &mut dyn FnMut(&Path, &Path) -> crate::error::Result<Outcome>,
    ) -> crate::error::Result<Outcome> {
        let outcome = work(&self.0.source, &self.0.target);
        *self.1.lock().unwrap() = self.0.names();
        outcome
    }
}

#[test]
fn while_others_wait_files_are_renamed_and_none_is_removed() {
    let (text, _) = lines(1 << 20, 9);
    for kind in KINDS {
        let place = place(kind, &text);
        let looks = Looks(&place, std::sync::Mutex::default());
        let keys = Keys::default();
        let job = Job {
            source: &place.source,
            target: &place.target,
            method: Method::new(kind, None).unwrap(),
            generation: 7,
            first_sequence: None,
            keys: &keys,
            names: Some(&looks),
        };
        let outcome = pack(&job, &mut |_| ControlFlow::Continue(())).unwrap();
        assert!(matches!(outcome, Outcome::Packed(_)));
        let going = going_name(&place.source, 7);
        assert_eq!(looks.1.into_inner().unwrap(), [Place::name_of(&going), Place::name_of(&place.target)]);
        assert_eq!(place.names(), [Place::name_of(&place.target)]);
    }
}
