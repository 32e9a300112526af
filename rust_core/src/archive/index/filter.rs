//! Filters over ids of traces: an id that was put in is always found, another one of 256.

use xorf::{BinaryFuse8, BinaryFuse8Ref, DmaSerializable, Filter, FilterRef};

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

/// What a filter is besides its fingerprints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    seed: u64,
    /// The length of a segment, as a power of two.
    bits: u8,
    segments: u32,
}

/// Longer segments are made for no number of keys.
const MOST_BITS: u8 = 18;

/// Puts a filter over `keys`, which are sorted here. False if there is none that holds them: then nothing is put.
pub fn put_filter(out: &mut Vec<u8>, keys: &mut Vec<u64>) -> bool {
    keys.sort_unstable();
    keys.dedup();
    let Ok(filter) = BinaryFuse8::try_from(&*keys) else { return false };
    let descriptor = &filter.descriptor;
    out.extend_from_slice(&descriptor.seed.to_le_bytes());
    out.push(descriptor.segment_length.trailing_zeros() as u8);
    put(out, u64::from(descriptor.segment_count_length / descriptor.segment_length));
    out.extend_from_slice(filter.dma_fingerprints());
    true
}

impl Shape {
    /// Reads a filter up to its fingerprints, and how many these are.
    pub fn read(bytes: &mut Bytes<'_>) -> Option<(Self, usize)> {
        let shape = Self { seed: u64::from_le_bytes(bytes.fixed()?), bits: bytes.byte()?, segments: bytes.small()? };
        let fingerprints = shape.segments.checked_add(2)?.checked_mul(1_u32.checked_shl(shape.bits.into())?)?;
        (shape.bits <= MOST_BITS && shape.segments > 0).then_some((shape, fingerprints as usize))
    }

    /// Whether the filter may hold a key. `fingerprints` are as many as `read` told.
    pub fn may_hold(&self, fingerprints: &[u8], key: u64) -> bool {
        let length = 1_u32 << self.bits;
        let mut descriptor = [0; BinaryFuse8::DESCRIPTOR_LEN];
        descriptor[..8].copy_from_slice(&self.seed.to_le_bytes());
        for (at, number) in [(8, length), (12, length - 1), (16, length * self.segments)] {
            descriptor[at..at + 4].copy_from_slice(&number.to_le_bytes());
        }
        BinaryFuse8Ref::from_dma(&descriptor, fingerprints).contains(&key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn filter(keys: &[u64]) -> (Shape, Vec<u8>) {
        let mut out = Vec::new();
        assert!(put_filter(&mut out, &mut keys.to_vec()));
        let mut bytes = Bytes::new(&out);
        let (shape, length) = Shape::read(&mut bytes).unwrap();
        assert_eq!(bytes.rest().len(), length);
        (shape, bytes.rest().to_vec())
    }

    #[test]
    fn filters_of_all_sizes_hold_what_was_put_in_and_little_else() {
        for count in (1..40).chain([300, 5_000, 70_000]) {
            let keys: Vec<u64> = (0..count).map(|number| trace_key(format!("trace-{number}").as_bytes())).collect();
            let (shape, fingerprints) = filter(&keys);
            assert!(keys.iter().all(|key| shape.may_hold(&fingerprints, *key)));
            let others = (0..10_000).map(|number| trace_key(format!("other-{number}").as_bytes()));
            let found = others.filter(|key| shape.may_hold(&fingerprints, *key)).count();
            assert!(found < 100, "{found} of 10,000 for {count}");
        }
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
        fn shapes_that_may_be_read_are_safe(seed: u64, bits in 0..8_u8, segments in 1..50_u32, key: u64) {
            let shape = Shape { seed, bits, segments };
            let length = (segments as usize + 2) << bits;
            let _ = shape.may_hold(&vec![7; length], key);
        }
    }
}
