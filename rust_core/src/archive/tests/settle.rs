//! Finishing what a dead process began, in parts.

use super::*;

#[test]
fn comparing_a_file_with_its_packed_file_is_left_at_any_part_and_gone_on_with() {
    let (text, _) = lines(4 << 20, 8);
    for kind in KINDS {
        let place = place(kind, &text);
        place.pack();
        fs::write(&place.source, &text).unwrap();
        let (mut alike, mut bytes) = (None, 0);
        let mut step = || {
            let mut pace = |part: u64| {
                bytes += part;
                ControlFlow::Break(())
            };
            settle(&place.source, &place.target, &mut alike, &mut pace, |end| end()).unwrap()
        };
        let steps: Vec<Settled> =
            std::iter::repeat_with(&mut step).take_while(|end| *end == Settled::Stopped).collect();
        assert!(steps.len() >= 4, "{}", steps.len());
        assert_eq!(bytes, text.len() as u64, "each part is compared once");
        assert_eq!(place.names(), [Place::name_of(&place.target)]);
        // What another file has beside it is compared from the beginning.
        fs::write(&place.source, &text).unwrap();
        let first = |alike: &mut Option<Alike>| {
            let mut part = 0;
            let mut pace = |bytes| {
                part += 1;
                if part == 1 && bytes > 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            settle(&place.source, &place.target, alike, &mut pace, |end| end()).unwrap()
        };
        assert_eq!(first(&mut alike), Settled::Stopped);
        let other = [b"x", &text[1..]].concat();
        fs::remove_file(&place.source).unwrap();
        fs::write(&place.source, [&other[..], b"one more\n"].concat()).unwrap();
        assert_eq!(first(&mut alike), Settled::Different);
    }
}
