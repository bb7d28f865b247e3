//! Frames (RFC 9113, section 4).

/// Bytes before a frame's payload.
pub(super) const HEAD: usize = 9;
/// Longest payload that is taken, the least that may be offered; what is sent keeps to it too unless the server takes more.
pub(super) const LONGEST: usize = 16_384;

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PUSH_PROMISE: u8 = 5;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

pub(super) const END_STREAM: u8 = 0x1;
/// Of a SETTINGS or PING frame: it answers one.
pub(super) const ACK: u8 = 0x1;
pub(super) const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;

/// A frame's first nine bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) length: usize,
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
}

impl Head {
    /// `None` when there are fewer than nine bytes.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let [a, b, c, kind, flags, stream @ ..] = bytes.first_chunk::<HEAD>()?;
        Some(Self {
            length: usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c),
            kind: *kind,
            flags: *flags,
            // The highest bit has no meaning (section 4.1).
            stream: u32::from_be_bytes(*stream) & 0x7fff_ffff,
        })
    }

    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The payload without padding and priority; `None` when it does not hold what the flags say.
    pub(super) fn unpadded<'a>(&self, mut payload: &'a [u8]) -> Option<&'a [u8]> {
        if self.has(PADDED) {
            let (padding, rest) = payload.split_first()?;
            payload = rest.get(..rest.len().checked_sub(usize::from(*padding))?)?;
        }
        if self.kind == HEADERS && self.has(PRIORITY) {
            payload = payload.get(5..)?;
        }
        Some(payload)
    }
}

/// Writes a frame. The payload is at most 16 MiB, which whoever frames it sees to.
pub(super) fn write(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    out.extend_from_slice(&length[1..]);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

/// The first four bytes of `payload` as a number.
pub(super) fn number(payload: &[u8]) -> Option<u32> {
    payload.first_chunk::<4>().map(|bytes| u32::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_written_is_read() {
        let mut out = Vec::new();
        write(&mut out, DATA, END_STREAM, 7, &[1; 300]);
        let head = Head::read(&out).unwrap();
        assert_eq!(head, Head { length: 300, kind: DATA, flags: END_STREAM, stream: 7 });
        assert_eq!(Head::read(&out[..8]), None);
    }

    #[test]
    fn padding_and_priority_are_taken_off_and_cannot_be_longer_than_the_frame() {
        let head = |kind, flags| Head { length: 0, kind, flags, stream: 1 };
        assert_eq!(head(DATA, PADDED).unpadded(&[2, 9, 0, 0]), Some(&[9][..]));
        assert_eq!(head(HEADERS, PADDED | PRIORITY).unpadded(&[1, 0, 0, 0, 1, 16, 9, 0]), Some(&[9][..]));
        assert_eq!(head(DATA, PADDED).unpadded(&[4, 9, 0, 0]), None);
        assert_eq!(head(HEADERS, PRIORITY).unpadded(&[0, 0, 0, 1]), None);
        assert_eq!(head(DATA, PADDED).unpadded(&[]), None);
    }
}
