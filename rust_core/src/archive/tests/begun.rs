//! Packing that is left in the middle, as at a fork, and gone on with.

use super::*;
use crate::archive::Begun;

/// Packs one part more. None once the packed file has its name.
fn one_step(place: &Place, begun: Option<Box<Begun>>, generation: u64, bytes: &mut u64) -> Option<Box<Begun>> {
    let job = Job {
        source: &place.source,
        target: &place.target,
        method: place.method,
        generation,
        first_sequence: Some(5),
        keys: &Keys::default(),
        names: None,
    };
    let prepared = prepare(&job, begun, &mut |part| {
        *bytes += part;
        ControlFlow::Break(())
    });
    match prepared.unwrap() {
        Prepared::Left(begun) => Some(begun),
        Prepared::Ready(ready) => {
            assert!(matches!(ready.take_place().unwrap(), Outcome::Packed(_)));
            None
        }
        Prepared::Not(outcome) => panic!("{outcome:?}"),
    }
}

#[test]
fn what_was_left_is_gone_on_with_and_each_part_is_packed_once() {
    for kind in KINDS {
        for text in [lines(4 << 20, 3).0, lines(100, 3).0, Vec::new()] {
            let place = place(kind, &text);
            let whole = super::place(kind, &text);
            let expected = whole.pack();
            let mut bytes = 0;
            let mut begun = one_step(&place, None, GENERATION, &mut bytes);
            for _ in 0..20 {
                let Some(left) = begun else { break };
                begun = one_step(&place, Some(left), GENERATION, &mut bytes);
            }
            assert!(begun.is_none());
            assert_eq!(bytes, 2 * text.len() as u64, "packed once, and read back once");
            assert_eq!(fs::read(&place.target).unwrap(), fs::read(&whole.target).unwrap());
            assert_eq!(expected.length, text.len() as u64);
            assert_eq!(place.names(), whole.names());
        }
    }
}

#[test]
fn it_begins_anew_where_the_file_is_another_and_is_removed_where_it_is_given_up() {
    let (text, _) = lines(3 << 20, 3);
    let other = lines(3 << 20, 4).0;
    let place = place(Kind::Zstd, &text);
    let mut bytes = 0;
    let begun = one_step(&place, None, GENERATION, &mut bytes);
    let begun = one_step(&place, begun, GENERATION, &mut bytes);
    // Of another file of that name, and then of another generation.
    fs::write(&place.source, &other).unwrap();
    let begun = one_step(&place, begun, GENERATION, &mut bytes);
    let mut begun = one_step(&place, begun, GENERATION + 1, &mut bytes);
    // Somebody takes what was left for left over.
    let temporary = temporary_name(&place.target);
    fs::remove_file(&temporary).unwrap();
    begun = one_step(&place, begun, GENERATION + 1, &mut bytes);
    assert!(begun.is_some() && temporary.exists());
    drop(begun.take());
    assert_eq!(place.names(), ["app.log.1"]);
    let mut left = one_step(&place, None, GENERATION, &mut bytes);
    while left.is_some() {
        left = one_step(&place, left, GENERATION, &mut bytes);
    }
    assert_eq!(all(&mut Archive::open(&place.target, None).unwrap(), 0), other);
}
