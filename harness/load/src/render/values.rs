//! Values drawn for one arrival.

use std::io::Write as _;

/// The values of one arrival: a SplitMix64 sequence (Steele, Lea, Flood, OOPSLA 2014) that begins at its number, so they
/// depend on nothing that was sent before.
pub(super) struct Values(u64);

impl Values {
    pub(super) fn new(seed: u64, number: u64) -> Self {
        let mut values = Self(number);
        Self(seed ^ values.next())
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in `low..=high` by the high half of a product (Lemire, 2019, without its rejection step: the bias is
    /// below the range divided by 2^64).
    pub(super) fn within(&mut self, low: u64, high: u64) -> u64 {
        let range = u128::from(high - low) + 1;
        low + u64::try_from((u128::from(self.next()) * range) >> 64).unwrap_or(high - low)
    }

    /// A random UUID: version 4, variant 10 (RFC 9562, section 5.4).
    pub(super) fn uuid(&mut self, out: &mut Vec<u8>) {
        let high = (self.next() & !0xf000) | 0x4000;
        let low = (self.next() & !(0b11 << 62)) | (0b10 << 62);
        // Writing to a vector cannot fail.
        let _ = write!(
            out,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xffff,
            low >> 48,
            low & 0xffff_ffff_ffff
        );
    }
}
