//! Giving back the buffers of a batch.

use super::pool::Slab;
use super::{Buffer, SIZES};

/// Gives back a batch. Slots of one pool and size that follow each other cost one exchange. `batch` keeps its
/// capacity.
pub fn give_back(batch: &mut Vec<Buffer>) {
    let mut chains = Chains::default();
    for buffer in batch.drain(..) {
        let Some((slab, class, index)) = buffer.clear() else { continue };
        std::mem::forget(buffer);
        chains.add(slab, class, index);
    }
    chains.close();
}

/// Slots of one pool on their way back, linked by size.
#[derive(Default)]
struct Chains {
    slab: Option<&'static Slab>,
    ends: [Option<(u32, u32)>; SIZES.len()],
}

impl Chains {
    #[inline]
    fn add(&mut self, slab: &'static Slab, class: usize, index: u32) {
        if self.slab.is_none_or(|known| known.number != slab.number) {
            self.close();
            self.slab = Some(slab);
        }
        let last = match self.ends[class] {
            Some((first, last)) => {
                slab.classes[class].stack.link(index, first);
                last
            }
            None => index,
        };
        self.ends[class] = Some((index, last));
    }

    fn close(&mut self) {
        let Some(slab) = self.slab.take() else { return };
        for (class, ends) in self.ends.iter_mut().enumerate() {
            if let Some((first, last)) = ends.take() {
                slab.classes[class].stack.push_chain(first, last);
            }
        }
    }
}
