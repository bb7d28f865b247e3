//! Header compression (HPACK, RFC 7541): reading what a server sends, and integers and strings for what is sent.

use std::collections::VecDeque;

use httlib_huffman::{DecoderSpeed, decode};
use thiserror::Error;

/// Size of the dynamic table before anybody asks for another (RFC 9113, section 6.5.2).
pub(super) const TABLE_SIZE: usize = 4096;
/// What an entry costs beside its bytes (RFC 7541, section 4.1).
pub(super) const ENTRY_COST: usize = 32;
/// Entries of the static table; the dynamic one begins after it.
pub(super) const STATIC_ENTRIES: usize = STATIC.len();

/// The static table (RFC 7541, appendix A), from index 1.
#[rustfmt::skip]
const STATIC: [(&str, &str); 61] = [
    (":authority", ""), (":method", "GET"), (":method", "POST"), (":path", "/"), (":path", "/index.html"),
    (":scheme", "http"), (":scheme", "https"), (":status", "200"), (":status", "204"), (":status", "206"),
    (":status", "304"), (":status", "400"), (":status", "404"), (":status", "500"), ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"), ("accept-language", ""), ("accept-ranges", ""), ("accept", ""),
    ("access-control-allow-origin", ""), ("age", ""), ("allow", ""), ("authorization", ""), ("cache-control", ""),
    ("content-disposition", ""), ("content-encoding", ""), ("content-language", ""), ("content-length", ""),
    ("content-location", ""), ("content-range", ""), ("content-type", ""), ("cookie", ""), ("date", ""),
    ("etag", ""), ("expect", ""), ("expires", ""), ("from", ""), ("host", ""), ("if-match", ""),
    ("if-modified-since", ""), ("if-none-match", ""), ("if-range", ""), ("if-unmodified-since", ""),
    ("last-modified", ""), ("link", ""), ("location", ""), ("max-forwards", ""), ("proxy-authenticate", ""),
    ("proxy-authorization", ""), ("range", ""), ("referer", ""), ("refresh", ""), ("retry-after", ""),
    ("server", ""), ("set-cookie", ""), ("strict-transport-security", ""), ("transfer-encoding", ""),
    ("user-agent", ""), ("vary", ""), ("via", ""), ("www-authenticate", ""),
];

/// A header block that cannot be read: the connection has lost its state and is of no more use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the header block is not HPACK")]
pub(super) struct NotHpack;

/// The index in the static table of this field, and that of its name alone.
pub(super) fn static_index(name: &str, value: &str) -> (Option<usize>, Option<usize>) {
    let at = |found: Option<usize>| found.map(|position| position + 1);
    let whole = STATIC.iter().position(|entry| *entry == (name, value));
    (at(whole), at(STATIC.iter().position(|entry| entry.0 == name)))
}

/// Writes `value` with a prefix of `bits` bits after the pattern `first` (RFC 7541, section 5.1).
pub(super) fn write_integer(out: &mut Vec<u8>, first: u8, bits: u32, value: usize) {
    let limit = (1usize << bits) - 1;
    // Each byte takes the low bits of what is left, which fit it by the comparison before.
    let low = |value: usize| u8::try_from(value & 0xff).unwrap_or(0);
    if value < limit {
        out.push(first | low(value));
        return;
    }
    out.push(first | low(limit));
    let mut left = value - limit;
    while left >= 128 {
        out.push(0x80 | low(left & 0x7f));
        left >>= 7;
    }
    out.push(low(left));
}

/// Writes a string as it stands (RFC 7541, section 5.2): compressing values that differ each time costs more than it saves.
pub(super) fn write_string(out: &mut Vec<u8>, text: &[u8]) {
    write_integer(out, 0, 7, text.len());
    out.extend_from_slice(text);
}

/// Name and value.
type Field = (Box<[u8]>, Box<[u8]>);

/// Reads header blocks of one connection, in order.
#[derive(Debug)]
pub(super) struct Decoder {
    table: VecDeque<Field>,
    size: usize,
    limit: usize,
    name: Vec<u8>,
    value: Vec<u8>,
}

impl Default for Decoder {
    fn default() -> Self {
        Self { table: VecDeque::new(), size: 0, limit: TABLE_SIZE, name: Vec::new(), value: Vec::new() }
    }
}

impl Decoder {
    /// Reads a whole block and gives each field to `field`.
    pub(super) fn read(
        &mut self,
        mut block: &[u8],
        mut field: impl FnMut(&[u8], &[u8]),
    ) -> Result<(), NotHpack> {
        let mut fields_yet = false;
        while let Some(first) = block.first().copied() {
            if first & 0x80 != 0 {
                let index = read_integer(&mut block, 7)?;
                let (name, value) = self.entry(index)?;
                field(name, value);
            } else if first & 0xe0 == 0x20 {
                // A new size comes before the fields (section 4.2) and is no more than what was offered.
                self.limit = read_integer(&mut block, 5)?;
                if fields_yet || self.limit > TABLE_SIZE {
                    return Err(NotHpack);
                }
                self.evict();
                continue;
            } else {
                let keep = first & 0x40 != 0;
                let index = read_integer(&mut block, if keep { 6 } else { 4 })?;
                self.literal(index, &mut block)?;
                field(&self.name, &self.value);
                if keep {
                    self.insert();
                }
            }
            fields_yet = true;
        }
        Ok(())
    }

    fn entry(&self, index: usize) -> Result<(&[u8], &[u8]), NotHpack> {
        if index == 0 {
            return Err(NotHpack);
        }
        if let Some((name, value)) = STATIC.get(index - 1) {
            return Ok((name.as_bytes(), value.as_bytes()));
        }
        self.table.get(index - 1 - STATIC_ENTRIES).map(|(name, value)| (&**name, &**value)).ok_or(NotHpack)
    }

    fn literal(&mut self, index: usize, block: &mut &[u8]) -> Result<(), NotHpack> {
        let mut name = std::mem::take(&mut self.name);
        name.clear();
        if index == 0 {
            read_string(block, &mut name)?;
        } else {
            name.extend_from_slice(self.entry(index)?.0);
        }
        self.name = name;
        self.value.clear();
        read_string(block, &mut self.value)
    }

    fn insert(&mut self) {
        self.size += self.name.len() + self.value.len() + ENTRY_COST;
        self.table.push_front((self.name.as_slice().into(), self.value.as_slice().into()));
        self.evict();
    }

    fn evict(&mut self) {
        while self.size > self.limit {
            let Some((name, value)) = self.table.pop_back() else { break };
            self.size -= name.len() + value.len() + ENTRY_COST;
        }
    }
}

fn read_integer(block: &mut &[u8], bits: u32) -> Result<usize, NotHpack> {
    let (first, mut rest) = block.split_first().ok_or(NotHpack)?;
    let limit = (1usize << bits) - 1;
    let mut value = usize::from(*first) & limit;
    if value == limit {
        // More than four further bytes would be no length that anybody sends.
        for shift in [0, 7, 14, 21, 28] {
            let (byte, after) = rest.split_first().ok_or(NotHpack)?;
            rest = after;
            value += (usize::from(*byte) & 0x7f) << shift;
            if byte & 0x80 == 0 {
                *block = rest;
                return Ok(value);
            }
        }
        return Err(NotHpack);
    }
    *block = rest;
    Ok(value)
}

fn read_string(block: &mut &[u8], out: &mut Vec<u8>) -> Result<(), NotHpack> {
    let compressed = block.first().ok_or(NotHpack)? & 0x80 != 0;
    let length = read_integer(block, 7)?;
    if length > block.len() {
        return Err(NotHpack);
    }
    let (text, rest) = block.split_at(length);
    *block = rest;
    if compressed {
        decode(text, out, DecoderSpeed::FourBits).map_err(|_| NotHpack)
    } else {
        out.extend_from_slice(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fields(decoder: &mut Decoder, block: &[u8]) -> Result<Vec<String>, NotHpack> {
        let mut fields = Vec::new();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        decoder.read(block, |name, value| fields.push(format!("{}: {}", text(name), text(value))))?;
        Ok(fields)
    }

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    /// The three responses of RFC 7541, appendix C.6, but for the size of the table, which is the default here.
    #[test]
    fn the_examples_of_the_rfc_are_read() {
        let mut decoder = Decoder { limit: 256, ..Decoder::default() };
        let first = bytes(
            "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad \
             1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
        );
        let expected = [
            ":status: 302",
            "cache-control: private",
            "date: Mon, 21 Oct 2013 20:13:21 GMT",
            "location: https://www.example.com",
        ];
        assert_eq!(fields(&mut decoder, &first).unwrap(), expected);
        let second = fields(&mut decoder, &bytes("4883 640e ffc1 c0bf")).unwrap();
        assert_eq!(second[0], ":status: 307");
        assert_eq!(second[1..], expected[1..]);
        // The first status was evicted for the second: 256 bytes hold four entries.
        assert_eq!((decoder.table.len(), decoder.size), (4, 222));
        let third = bytes(
            "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 \
             e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
        );
        let third = fields(&mut decoder, &third).unwrap();
        assert_eq!(third[0], ":status: 200");
        assert_eq!(third[4], "content-encoding: gzip");
        assert_eq!(third[5], "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1");
    }

    #[test]
    fn what_is_written_is_read() {
        for value in [0, 1, 30, 31, 127, 128, 1337, 70_000] {
            let mut out = Vec::new();
            write_integer(&mut out, 0x20, 5, value);
            let mut left = out.as_slice();
            assert_eq!((read_integer(&mut left, 5), left.len()), (Ok(value), 0));
        }
        let mut block = vec![0];
        write_string(&mut block, b"x-a");
        write_string(&mut block, &[b'v'; 300]);
        let read = fields(&mut Decoder::default(), &block).unwrap();
        assert_eq!(read, [format!("x-a: {}", "v".repeat(300))]);
    }

    #[test]
    fn what_is_no_block_is_refused() {
        for block in ["80", "be", "ff80808080808001", "3fe21f", "40", "4005", "8820"] {
            assert_eq!(fields(&mut Decoder::default(), &bytes(block)), Err(NotHpack), "{block}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_grow(blocks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..20)) {
            let mut decoder = Decoder::default();
            for block in blocks {
                let _ = decoder.read(&block, |_, _| {});
                prop_assert!(decoder.size <= TABLE_SIZE);
            }
        }
    }
}
