//! Tells whole bytes from torn ones. It guards against accidents, not against forgers, and costs a few nanoseconds.

/// A checksum of `bytes`, never 0: sums of words, and sums of those sums (after Fletcher), so that order counts.
#[inline]
#[must_use]
pub fn of(bytes: &[u8]) -> u64 {
    // Four words at a time: independent of each other, and simple enough for vector instructions.
    let (mut sums, mut weighted) = ([0_u64; 4], [0_u64; 4]);
    let mut add = |block: &[u8; 32]| {
        let (words, _) = block.as_chunks::<8>();
        for lane in 0..4 {
            sums[lane] = sums[lane].wrapping_add(u64::from_le_bytes(words[lane]));
            weighted[lane] = weighted[lane].wrapping_add(sums[lane]);
        }
    };
    let (blocks, rest) = bytes.as_chunks::<32>();
    blocks.iter().for_each(&mut add);
    if !rest.is_empty() {
        // The last block overlaps the one before it: cheaper than to fill it up.
        match bytes.last_chunk() {
            Some(last) => add(last),
            None => {
                let mut last = [0; 32];
                last[..rest.len()].copy_from_slice(rest);
                add(&last);
            }
        }
    }
    let mut sum = bytes.len() as u64;
    for (lane, odd) in [0x9E37_79B9_7F4A_7C15_u64, 0xC2B2_AE3D_27D4_EB4F, 0x1656_67B1_9E37_79F9, 0x9FB2_1C65_1E98_DF25]
        .into_iter()
        .enumerate()
    {
        sum = sum.wrapping_add((sums[lane] ^ weighted[lane].rotate_left(29)).wrapping_mul(odd));
    }
    // The high bits depend on all the low ones: fold them down, for those who keep 32.
    (sum ^ sum >> 32) | 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_changed_byte_shows(bytes in prop::collection::vec(any::<u8>(), 1..400), at: prop::sample::Index, other: u8) {
            let mut changed = bytes.clone();
            let index = at.index(bytes.len());
            changed[index] = other;
            prop_assert_eq!(of(&changed) == of(&bytes), changed == bytes);
        }

        #[test]
        fn a_missing_end_shows(bytes in prop::collection::vec(any::<u8>(), 1..400), at: prop::sample::Index) {
            prop_assert_ne!(of(&bytes[..at.index(bytes.len())]), of(&bytes));
        }
    }
}
