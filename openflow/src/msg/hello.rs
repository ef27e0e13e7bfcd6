//! Hello: the first message each way (OF 1.3.5 §7.5.1).

use bytes::{BufMut, Bytes, BytesMut};

use crate::error::{DecodeError, EncodeError, Part};
use crate::frame::VERSION;
use crate::wire::{Reader, pad_from, pad8, patch_len};

/// Hello element that lists versions (`OFPHET_VERSIONBITMAP`).
const VERSION_BITMAP: u16 = 1;

/// Which versions of OpenFlow a peer speaks (OF 1.3.5 §7.5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Version byte of the header: the highest that the sender speaks.
    pub version: u8,
    /// Wire versions of the version bitmap, ascending; empty when the hello has none. Then the
    /// lower of the two header versions is spoken (OF 1.3.5 §6.3.1).
    pub versions: Vec<u8>,
    /// Elements that are no version bitmap, or one that tells no version, as they came. They are written behind the
    /// bitmap.
    pub other: Vec<HelloElement>,
    /// What stands behind the elements and is none, as it came: it is too short for one, or states an impossible
    /// length. Like elements of other types it is to be passed over (OF 1.3.5 §7.5.1).
    pub rest: Bytes,
}

/// An element of a hello that is no version bitmap (OF 1.3.5 §7.5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HelloElement {
    /// Type of the element.
    pub kind: u16,
    /// What follows type and length.
    pub body: Bytes,
}

impl Hello {
    /// A hello that offers these wire versions (4 is OpenFlow 1.3), in its bitmap too.
    pub fn new(versions: impl IntoIterator<Item = u8>) -> Hello {
        let mut versions: Vec<u8> = versions.into_iter().collect();
        versions.sort_unstable();
        versions.dedup();
        Hello {
            version: versions.last().copied().unwrap_or(VERSION),
            versions,
            other: Vec::new(),
            rest: Bytes::new(),
        }
    }

    /// Whether the sender speaks a version: by its bitmap, else by its header, which promises all
    /// versions up to it.
    pub fn offers(&self, version: u8) -> bool {
        if self.versions.is_empty() { self.version >= version } else { self.versions.contains(&version) }
    }

    pub(crate) fn decode(version: u8, r: &mut Reader<'_>) -> Result<Hello, DecodeError> {
        let mut hello = Hello { version, ..Hello::new([]) };
        while let Some(HelloElement { kind, body }) = element(r) {
            match versions(&body) {
                Some(all) if kind == VERSION_BITMAP => hello.versions.extend(all),
                _ => hello.other.push(HelloElement { kind, body }),
            }
        }
        hello.rest = r.opaque();
        hello.versions.sort_unstable();
        hello.versions.dedup();
        Ok(hello)
    }

    pub(crate) fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        if let Some(last) = self.versions.iter().max() {
            let start = out.len();
            out.put_u16(VERSION_BITMAP);
            out.put_u16(0);
            for word in 0..=last / 32 {
                let bits = self.versions.iter().filter(|v| *v / 32 == word);
                out.put_u32(bits.fold(0, |bits, v| bits | 1 << (v % 32)));
            }
            patch_len(out, start, start + 2, Part::HelloElement)?;
            pad_from(out, start);
        }
        for HelloElement { kind, body } in &self.other {
            let start = out.len();
            out.put_u16(*kind);
            out.put_u16(0);
            out.put_slice(body);
            patch_len(out, start, start + 2, Part::HelloElement)?;
            pad_from(out, start);
        }
        out.put_slice(&self.rest);
        Ok(())
    }
}

/// The next element; `None` where what follows is none, which is left.
fn element(r: &mut Reader<'_>) -> Option<HelloElement> {
    let (kind, length) = r.peek_head()?;
    let body = usize::from(length).checked_sub(4).filter(|body| 4 + body <= r.len())?;
    r.skip(4).ok()?;
    let body = r.sub(body, Part::HelloElement).ok()?.opaque();
    // Some senders leave the zeros behind the last element out.
    r.skip(pad8(usize::from(length)).min(r.len())).ok()?;
    Some(HelloElement { kind, body })
}

/// The versions of a bitmap: words of 32 bits, lowest versions first. Versions above 255 can't be said in a header, so
/// what speaks of them is passed over. `None` where there are none, or no whole words.
fn versions(bitmap: &[u8]) -> Option<Vec<u8>> {
    let (words, rest) = bitmap.as_chunks::<4>();
    let bits = (0..=u8::MAX).step_by(32).zip(words).flat_map(|(base, word)| {
        let word = u32::from_be_bytes(*word);
        (0..32).filter(move |bit| word >> bit & 1 == 1).map(move |bit| base + bit)
    });
    let versions: Vec<u8> = bits.collect();
    (rest.is_empty() && !versions.is_empty()).then_some(versions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::HEADER_LEN;

    fn read(wire: &'static [u8]) -> Result<Hello, DecodeError> {
        let frame = Bytes::from_static(wire);
        let mut r = Reader::new(&frame, HEADER_LEN, Part::Message("OFPT_HELLO"));
        Hello::decode(wire[0], &mut r)
    }

    // Shaped after OF 1.3.5 §7.5.1; what other implementations send is in tests/golden.
    #[test]
    fn versions_come_from_the_bitmap_or_the_header() {
        let bare = read(&[5, 0, 0, 8, 0, 0, 0, 1]).expect("no elements");
        assert!(bare.versions.is_empty() && bare.offers(4) && !bare.offers(6));
        let bitmap = read(&[6, 0, 0, 16, 0, 0, 0, 1, 0, 1, 0, 8, 0, 0, 0, 0x42]).expect("one");
        assert_eq!(bitmap.versions, [1, 6]);
        assert!(!bitmap.offers(4), "the header's promise does not count beside a bitmap");
        // Without the zeros that fill the element up.
        let other = read(&[4, 0, 0, 13, 0, 0, 0, 1, 0, 9, 0, 5, 0xaa]).expect("unknown");
        assert_eq!((other.other[0].kind, &other.other[0].body[..]), (9, &[0xaa][..]));
    }

    /// Open vSwitch says of each that its version is the header's (`ovs-ofctl ofp-print`).
    #[test]
    fn what_is_no_element_is_passed_over_and_kept() {
        let bitmap = [0, 1, 0, 8, 0, 0, 0, 0x10];
        for wrong in [
            // Too short for its header; shorter than that; longer than the message; half a word; no version.
            &[0, 1][..],
            &[0, 1, 0, 3],
            &[0, 1, 0, 8],
            &[0, 1, 0, 6, 0, 0, 0, 0],
            &[0, 1, 0, 8, 0, 0, 0, 0],
            &[0, 2, 0xff, 0xff, 1, 2, 3, 4],
        ] {
            let head = |length: usize| [4, 0, 0, length as u8, 0, 0, 0, 1];
            for before in [&bitmap[..], &[]] {
                let wire = [&head(8 + before.len() + wrong.len())[..], before, wrong].concat();
                let hello = read(wire.clone().leak()).expect("it is only passed over");
                assert!(hello.offers(4), "{wrong:?}");
                assert_eq!(hello.versions.is_empty(), before.is_empty());
                let mut again = BytesMut::new();
                hello.encode(&mut again).expect("short");
                assert_eq!(again[..], wire[8..], "{wrong:?}");
            }
        }
    }
}
