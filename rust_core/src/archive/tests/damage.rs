//! Files and indices that are not what they were.

use proptest::prelude::*;

use super::*;

#[test]
fn a_seek_table_that_was_damaged_is_not_believed() {
    let (text, _) = lines(3 << 20, 11);
    let place = place(Kind::Zstd, &text);
    let mut is_changed = false;
    let outcome = place.pack_at(&mut |_| {
        let temporary = temporary_name(&place.target);
        let mut packed = fs::read(&temporary).unwrap();
        // Whole, and not yet read back to its end: a byte of the table changes.
        if packed.ends_with(&[0xB1, 0xEA, 0x92, 0x8F]) && !std::mem::replace(&mut is_changed, true) {
            let at = packed.len() - 20;
            packed[at] ^= 1;
            fs::write(&temporary, packed).unwrap();
        }
        ControlFlow::Continue(())
    });
    assert!(outcome.unwrap_err().to_string().ends_with("it is not what was packed"));
    place.pack();
    let mut packed = fs::read(&place.target).unwrap();
    // The length of the first of four parts and the mark, uncompressed.
    let entry = packed.len() - 9 - 5 * 8 + 4;
    packed[entry] ^= 1;
    fs::write(&place.target, packed).unwrap();
    let mut archive = Archive::open(&place.target, None).unwrap();
    assert_eq!(archive.known_by(), KnownBy::Nothing);
    assert_eq!(all(&mut archive, 2_000_000), text[2_000_000..]);
}

#[test]
fn a_file_that_wants_much_memory_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.log.1.zst");
    // A frame with a window of two to the power of 23 or 27, and one byte in it.
    for (window, is_read) in [(23_u8, true), (24, false), (27, false)] {
        fs::write(&path, [0x28, 0xB5, 0x2F, 0xFD, 0, (window - 10) << 3, 9, 0, 0, b'x']).unwrap();
        let mut out = Vec::new();
        let result = Archive::open(&path, None).unwrap().stream(0).unwrap().read_to_end(&mut out);
        assert_eq!((result.is_ok(), &out[..]), (is_read, if is_read { &b"x"[..] } else { b"" }), "{window}");
    }
    // A seek table that tells of parts of 4 GiB.
    let mut bytes = vec![0x28, 0xB5, 0x2F, 0xFD, 0, 0, 9, 0, 0, b'x'];
    bytes.extend([0x5E, 0x2A, 0x4D, 0x18, 17, 0, 0, 0, 10, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]);
    bytes.extend([1, 0, 0, 0, 0, 0xB1, 0xEA, 0x92, 0x8F]);
    fs::write(&path, &bytes).unwrap();
    assert_eq!(Archive::open(&path, None).unwrap().known_by(), KnownBy::Nothing);
    // The same with the true length is believed.
    bytes[22..26].copy_from_slice(&1_u32.to_le_bytes());
    fs::write(&path, &bytes).unwrap();
    let mut archive = Archive::open(&path, None).unwrap();
    assert_eq!((archive.known_by(), all(&mut archive, 0)), (KnownBy::Table, b"x".to_vec()));
}

#[test]
fn an_index_of_another_file_is_passed_over_or_told() {
    let (text, _) = lines(2 << 20, 9);
    let place = place(Kind::Zstd, &text);
    let mut bytes = fs::read(&place.source).unwrap();
    let index =
        index_file(&place.source, 1, None, &Keys::default(), &mut |_| ControlFlow::Continue(())).unwrap().unwrap();
    let index = Index::read(&index).unwrap();
    bytes[700_000] ^= 1;
    fs::write(&place.source, &bytes).unwrap();
    let mut archive = Archive::open(&place.source, Some(&index)).unwrap();
    let mut part = Vec::new();
    assert_eq!(archive.read_part(0, &mut part).unwrap_err().kind(), std::io::ErrorKind::InvalidData);
    archive.read_part(1, &mut part).unwrap();
    fs::write(&place.source, &bytes[1..]).unwrap();
    assert_eq!(Archive::open(&place.source, Some(&index)).unwrap().known_by(), KnownBy::Nothing);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    /// Whatever a packed file became, it is read as it was, or an error says so: nothing is wrong, and memory stays bounded.
    #[test]
    fn damaged_files_are_told(
        is_gzip: bool, has_index: bool, end: prop::sample::Index, is_cut: bool,
        changes in prop::collection::vec((any::<prop::sample::Index>(), 1..=255_u8), 0..4), offset in 0..5_000_u64,
    ) {
        let (text, _) = lines(4_000, 10);
        let place = place(KINDS[usize::from(!is_gzip)], &text);
        let index = Index::read(&place.pack().index).unwrap();
        let mut bytes = fs::read(&place.target).unwrap();
        for (at, change) in changes {
            let at = at.index(bytes.len());
            bytes[at] ^= change;
        }
        if is_cut {
            bytes.truncate(end.index(bytes.len()));
        }
        fs::write(&place.target, &bytes).unwrap();
        let mut archive = Archive::open(&place.target, has_index.then_some(&index)).unwrap();
        let mut part = Vec::new();
        for number in 0..archive.extents().len() {
            if archive.read_part(number, &mut part).is_ok() {
                let at = archive.extents()[number].at as usize;
                prop_assert!(text[at.min(text.len())..].starts_with(&part));
            }
        }
        let mut out = Vec::new();
        let is_read = archive.stream(offset).is_ok_and(|mut stream| stream.by_ref().take(1 << 20).read_to_end(&mut out).is_ok());
        if is_read && archive.kind() != Kind::Plain {
            prop_assert!(out.is_empty() || out == text[(offset as usize).min(text.len())..]);
        }
    }
}

#[test]
fn a_packed_file_that_is_damaged_goes_and_its_original_stays() {
    let (text, _) = lines(1 << 20, 10);
    for kind in KINDS {
        let place = place(kind, &text);
        place.pack();
        let packed = fs::read(&place.target).unwrap();
        for at in [packed.len() / 8, packed.len() / 4, packed.len() / 2] {
            let mut damaged = packed.clone();
            damaged[at..at + 8].iter_mut().for_each(|byte| *byte ^= 0x55);
            fs::write(&place.target, &damaged).unwrap();
            fs::write(&place.source, &text).unwrap();
            let settled =
                settle(&place.source, &place.target, &mut None, &mut |_| ControlFlow::Continue(()), |end| end())
                    .unwrap();
            assert!(matches!(settled, Settled::Undone | Settled::Different), "{kind:?} {at}: {settled:?}");
            assert_eq!(fs::read(&place.source).unwrap(), text);
        }
    }
}
