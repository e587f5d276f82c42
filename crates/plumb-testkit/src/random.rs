//! A small reproducible random number generator (PCG-XSH-RR 64/32, O'Neill 2014).
//!
//! Same seed, same numbers, on every machine and in every version: a failing seed stays a failing
//! seed. Not for anything that must not be guessed.

/// A stream of random numbers that its seed determines.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

const MULTIPLIER: u64 = 6_364_136_223_846_793_005;
const INCREMENT: u64 = 1_442_695_040_888_963_407;

impl Random {
    /// Starts the stream of `seed`; neighbouring seeds give unrelated streams.
    pub fn new(seed: u64) -> Self {
        // One round of splitmix64, so that seeds 1, 2, 3 start far from each other.
        let mut mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let mut random = Self {
            state: mixed ^ (mixed >> 31),
        };
        random.u32();
        random
    }

    /// Gives any 32-bit number.
    pub fn u32(&mut self) -> u32 {
        let old = self.state;
        self.state = old.wrapping_mul(MULTIPLIER).wrapping_add(INCREMENT);
        let bytes = (((old >> 18) ^ old) >> 27).to_le_bytes();
        let word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        let rotation = u32::try_from(old >> 59).unwrap_or(0);
        word.rotate_right(rotation)
    }

    /// Gives any 64-bit number.
    pub fn u64(&mut self) -> u64 {
        (u64::from(self.u32()) << 32) | u64::from(self.u32())
    }

    /// Gives a number below `bound` (0 when `bound` is 0).
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX);
        let number = (u64::from(self.u32()) * bound.min(u64::from(u32::MAX))) >> 32;
        usize::try_from(number).unwrap_or(0)
    }

    /// Gives one of the numbers of an inclusive range.
    pub fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// Says yes `percent` times in a hundred.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// Picks one of `choices`, which must not be empty.
    pub fn pick<'c, T>(&mut self, choices: &'c [T]) -> &'c T {
        &choices[self.below(choices.len())]
    }

    /// Gives a number whose size is random as well: small ones, round ones, and the largest.
    pub fn any_size(&mut self) -> u64 {
        match self.below(8) {
            0 => 0,
            1 | 2 => u64::from(self.u32() % 10),
            3 => u64::from(self.u32() % 100_000),
            4 => u64::from(self.u32()),
            5 => 1 << self.below(64),
            6 => (1_u64 << self.below(64)).wrapping_sub(1),
            _ => self.u64(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_its_stream_again_and_another_seed_does_not() {
        let take = |seed| {
            let mut random = Random::new(seed);
            (0..8).map(|_| random.u32()).collect::<Vec<_>>()
        };
        assert_eq!(take(1), take(1));
        assert_ne!(take(1), take(2));
    }

    #[test]
    fn every_number_below_a_bound_comes_and_none_above() {
        let mut random = Random::new(7);
        let mut seen = [0_u32; 10];
        for _ in 0..1_000 {
            seen[random.below(10)] += 1;
        }
        assert!(seen.iter().all(|&count| count > 50), "{seen:?}");
        assert_eq!(random.below(0), 0);
    }
}
