//! Filters over ids of traces: an id that was put in is always found, and another one seldom.

use xorf::{BinaryFuse16, DmaSerializable};

use super::bytes::{Bytes, put};

/// The number that stands for an id of a trace.
///
/// What stands before the last `/` does not count: Google's lines have `projects/shop/traces/…`, and people ask for the id.
#[must_use]
#[inline]
pub fn trace_key(id: &[u8]) -> u64 {
    match memchr::memrchr(b'/', id) {
        Some(at) => mixed(&id[at + 1..]),
        None => mixed(id),
    }
}

/// A number that depends on every bit of some bytes.
#[inline]
pub fn mixed(bytes: &[u8]) -> u64 {
    let (blocks, rest) = bytes.as_chunks::<16>();
    let mut last = [0; 16];
    last[..rest.len()].copy_from_slice(rest);
    let mut number = bytes.len() as u64 ^ ODD;
    for block in blocks.iter().chain([&last]) {
        let block = u128::from_le_bytes(*block);
        let (low, high) = halves(block);
        // The halves of a product mix all bits. The numbers before them keep a word of zeros from making it 0.
        let product = u128::from(low ^ number) * u128::from(high ^ FACTOR);
        number = (halves(product).0 ^ halves(product).1).wrapping_add(number.rotate_left(17)) ^ ODD;
    }
    let product = u128::from(number ^ ODD) * u128::from(FACTOR);
    halves(product).0 ^ halves(product).1
}

const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
const FACTOR: u64 = 0xA076_1D64_78BD_642F;

#[expect(clippy::cast_possible_truncation, reason = "each half is wanted")]
const fn halves(number: u128) -> (u64, u64) {
    (number as u64, (number >> 64) as u64)
}

/// The key of a trace in one part of a file.
pub const fn key_in_part(trace: u64, part: usize) -> u64 {
    trace.wrapping_add((part as u64).wrapping_mul(ODD))
}

/// What a filter is besides its fingerprints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    seed: u64,
    /// The length of a segment, as a power of two.
    bits: u8,
    segments: u32,
    /// Bits of a fingerprint. With 8, one of 256 other keys is taken for one that was put in.
    width: u8,
}

/// Longer segments are made for no number of keys.
const MOST_BITS: u8 = 18;
/// With fewer bits a filter keeps too little out, however small it is.
const LEAST_WIDTH: u8 = 4;
const MOST_WIDTH: u8 = 16;

/// Puts a filter over `keys`, which are sorted here. Its fingerprints are as wide as `room` bytes allow, within bounds.
///
/// False if there is none that holds the keys: then nothing is put.
pub fn put_filter(out: &mut Vec<u8>, keys: &mut Vec<u64>, room: usize) -> bool {
    keys.sort_unstable();
    keys.dedup();
    let Ok(filter) = BinaryFuse16::try_from(&*keys) else { return false };
    let descriptor = &filter.descriptor;
    let fingerprints = filter.dma_fingerprints();
    let most = room * 8 / (fingerprints.len() / 2);
    let shape = Shape {
        seed: descriptor.seed,
        bits: descriptor.segment_length.trailing_zeros() as u8,
        segments: descriptor.segment_count_length / descriptor.segment_length,
        width: u8::try_from(most).unwrap_or(MOST_WIDTH).clamp(LEAST_WIDTH, MOST_WIDTH),
    };
    out.extend_from_slice(&shape.seed.to_le_bytes());
    out.push(shape.bits);
    put(out, shape.segments.into());
    out.push(shape.width);
    // The fingerprints of a key's three places are combined bit by bit, so that the low bits of all are a filter as well.
    let (mut waiting, mut count) = (0_u32, 0);
    for fingerprint in fingerprints.as_chunks().0 {
        waiting |= (u32::from(u16::from_le_bytes(*fingerprint)) & shape.mask()) << count;
        count += shape.width;
        while count >= 8 {
            out.push((waiting & 0xFF) as u8);
            waiting >>= 8;
            count -= 8;
        }
    }
    if count > 0 {
        out.push((waiting & 0xFF) as u8);
    }
    true
}

impl Shape {
    /// Reads a filter up to its fingerprints, and how many bytes these take.
    pub fn read(bytes: &mut Bytes<'_>) -> Option<(Self, usize)> {
        let (seed, bits) = (u64::from_le_bytes(bytes.fixed()?), bytes.byte()?);
        let shape = Self { seed, bits, segments: bytes.small()?, width: bytes.byte()? };
        let is_known = bits <= MOST_BITS && shape.segments > 0 && (LEAST_WIDTH..=MOST_WIDTH).contains(&shape.width);
        let fingerprints = shape.segments.checked_add(2)?.checked_mul(1_u32.checked_shl(bits.into())?)?;
        is_known.then_some((shape, (fingerprints as usize * usize::from(shape.width)).div_ceil(8)))
    }

    const fn mask(&self) -> u32 {
        (1 << self.width) - 1
    }

    /// Whether the filter may hold a key. `fingerprints` are as many bytes as `read` told.
    ///
    /// The places of a key are those of `BinaryFuse16`, which only reads fingerprints of its own width.
    pub fn may_hold(&self, fingerprints: &[u8], key: u64) -> bool {
        let hash = finished(key.wrapping_add(self.seed));
        let length = 1_u32 << self.bits;
        let (low, middle) = (halves(hash.into()).0 as u32, (hash >> 18) as u32);
        let first = halves(u128::from(hash) * u128::from(self.segments * length)).1 as u32;
        let second = (first + length) ^ (middle & (length - 1));
        let third = (first + 2 * length) ^ (low & (length - 1));
        let own = (hash ^ (hash >> 32)) as u32;
        let all = [first, second, third].iter().fold(own, |sum, place| sum ^ self.fingerprint(fingerprints, *place));
        all & self.mask() == 0
    }

    /// One of the fingerprints, and bits of those after it.
    fn fingerprint(&self, fingerprints: &[u8], place: u32) -> u32 {
        let bit = place as usize * usize::from(self.width);
        let there = &fingerprints[bit / 8..];
        let mut word = [0; 4];
        let length = there.len().min(word.len());
        word[..length].copy_from_slice(&there[..length]);
        u32::from_le_bytes(word) >> (bit % 8)
    }
}

/// The last step of MurmurHash3 for 64 bits.
const fn finished(mut number: u64) -> u64 {
    number ^= number >> 33;
    number = number.wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    number ^= number >> 33;
    number = number.wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    number ^ (number >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use xorf::Filter;

    /// A filter of a width.
    fn filter(keys: &[u64], width: u8) -> (Shape, Vec<u8>) {
        let entries = BinaryFuse16::try_from(keys).unwrap().fingerprints.len();
        let mut out = Vec::new();
        assert!(put_filter(&mut out, &mut keys.to_vec(), (entries * usize::from(width)).div_ceil(8)));
        let mut bytes = Bytes::new(&out);
        let (shape, length) = Shape::read(&mut bytes).unwrap();
        assert_eq!((bytes.rest().len(), shape.width), (length, width));
        (shape, bytes.rest().to_vec())
    }

    #[test]
    fn filters_of_all_sizes_hold_what_was_put_in_and_little_else() {
        for count in (1..40).chain([300, 5_000, 70_000]) {
            let keys: Vec<u64> = (0..count).map(|number| trace_key(format!("trace-{number}").as_bytes())).collect();
            for width in [4, 8, 11, 16] {
                let (shape, fingerprints) = filter(&keys, width);
                assert!(keys.iter().all(|key| shape.may_hold(&fingerprints, *key)));
                let others = (0..10_000).map(|number| trace_key(format!("other-{number}").as_bytes()));
                let found = others.filter(|key| shape.may_hold(&fingerprints, *key)).count();
                let expected = 10_000 >> width;
                assert!(found < 2 * expected + 20, "{found} of 10,000 for {count} of {width} bits");
            }
        }
    }

    #[test]
    fn the_places_of_keys_are_those_of_the_library() {
        let keys: Vec<u64> = (0..3_000_u32).map(|number| trace_key(&number.to_le_bytes())).collect();
        let theirs = BinaryFuse16::try_from(&keys).unwrap();
        let (shape, fingerprints) = filter(&keys, 16);
        for number in 0..2_000_000_u32 {
            let key = trace_key(&number.to_le_bytes());
            assert_eq!(shape.may_hold(&fingerprints, key), theirs.contains(&key));
        }
    }

    #[test]
    fn a_filter_without_room_is_as_small_as_one_may_be() {
        let mut out = Vec::new();
        assert!(put_filter(&mut out, &mut (0..1_000).collect(), 0));
        let (shape, length) = Shape::read(&mut Bytes::new(&out)).unwrap();
        assert_eq!(shape.width, LEAST_WIDTH);
        assert!(length < 800, "{length}");
    }

    #[test]
    fn ids_of_other_bytes_have_other_keys() {
        let mut keys: Vec<u64> =
            (0..200_000_u32).map(|number| trace_key(format!("{number:032x}").as_bytes())).collect();
        keys.extend((0..60).map(|length| trace_key(&vec![0; length])));
        keys.sort_unstable();
        let count = keys.len();
        keys.dedup();
        assert_eq!(keys.len(), count);
    }

    #[test]
    fn the_path_before_an_id_does_not_count() {
        assert_eq!(trace_key(b"projects/shop/traces/abc"), trace_key(b"abc"));
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_odd(bytes in prop::collection::vec(any::<u8>(), 0..80), key: u64) {
            let mut bytes = Bytes::new(&bytes);
            if let Some((shape, length)) = Shape::read(&mut bytes) && let Some(fingerprints) = bytes.take(length) {
                let _ = shape.may_hold(fingerprints, key);
            }
        }

        #[test]
        fn shapes_that_may_be_read_are_safe(seed: u64, bits in 0..8_u8, segments in 1..50_u32, width in 4..17_u8, key: u64) {
            let shape = Shape { seed, bits, segments, width };
            let length = ((segments as usize + 2) << bits) * usize::from(width);
            let _ = shape.may_hold(&vec![7; length.div_ceil(8)], key);
        }
    }
}
