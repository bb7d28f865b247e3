//! One seed for a run, split by name.

/// The run's seed. Every use of randomness derives its own stream by name, so adding a fault does not reshuffle the
/// load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Seed {
    /// The 64-bit seed of the stream called `name` ("arrivals", "selectors", ...): FNV-1a over the seed's bytes and
    /// the name, finished with the SplitMix64 mixer (Steele, Lea, Flood: Fast splittable pseudorandom number
    /// generators, OOPSLA 2014) so that near seeds give unrelated streams.
    #[must_use]
    pub fn stream(self, name: &str) -> u64 {
        const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
        const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;
        let hash = self
            .0
            .to_le_bytes()
            .iter()
            .chain(name.as_bytes())
            .fold(FNV_OFFSET, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME));
        mix(hash)
    }
}

fn mix(value: u64) -> u64 {
    let z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_depends_on_its_name_and_on_the_seed() {
        assert_eq!(Seed(7).stream("arrivals"), Seed(7).stream("arrivals"));
        assert_ne!(Seed(7).stream("arrivals"), Seed(7).stream("selectors"));
        assert_ne!(Seed(7).stream("arrivals"), Seed(8).stream("arrivals"));
    }
}
