//! The bounded reader, the writing helpers and the macro for wire enumerations.
//!
//! Every length that a peer states is checked against what its parent still holds, so that no
//! input makes a reader leave its structure. Integers are big-endian (OF 1.3.5 §7).

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::error::{DecodeError, EncodeError, Part};

/// Reads one structure; never past the end that its parent gave it.
pub(crate) struct Reader<'a> {
    /// The whole frame, so that opaque parts can be shared and need no copy.
    frame: &'a Bytes,
    rest: &'a [u8],
    part: Part,
    /// In how many lists of actions it stands, one in the other.
    nesting: u8,
}

impl<'a> Reader<'a> {
    /// A reader of everything in `frame` behind the first `skip` bytes.
    pub(crate) fn new(frame: &'a Bytes, skip: usize, part: Part) -> Self {
        Reader { frame, rest: frame.get(skip..).unwrap_or_default(), part, nesting: 0 }
    }

    /// In how many lists of actions it stands, one in the other.
    #[inline]
    pub(crate) fn nesting(&self) -> u8 {
        self.nesting
    }

    /// The same, standing in so many lists of actions.
    #[inline]
    pub(crate) fn at_nesting(self, nesting: u8) -> Self {
        Reader { nesting, ..self }
    }

    #[inline]
    pub(crate) fn take(&mut self, n: usize) -> Result<&'a [u8], DecodeError> {
        match self.rest.split_at_checked(n) {
            Some((head, tail)) => {
                self.rest = tail;
                Ok(head)
            }
            None => Err(DecodeError::Truncated { part: self.part, needed: n, left: self.rest.len() }),
        }
    }

    #[inline]
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        match self.rest.split_first_chunk::<N>() {
            Some((head, tail)) => {
                self.rest = tail;
                Ok(*head)
            }
            None => Err(DecodeError::Truncated { part: self.part, needed: N, left: self.rest.len() }),
        }
    }

    #[inline]
    pub(crate) fn skip(&mut self, n: usize) -> Result<(), DecodeError> {
        self.take(n).map(|_| ())
    }

    #[inline]
    pub(crate) fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[x]| x)
    }

    #[inline]
    pub(crate) fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_be_bytes)
    }

    #[inline]
    pub(crate) fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_be_bytes)
    }

    #[inline]
    pub(crate) fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_be_bytes)
    }

    /// The next `n` bytes as a structure of their own.
    pub(crate) fn sub(&mut self, n: usize, part: Part) -> Result<Reader<'a>, DecodeError> {
        Ok(Reader { frame: self.frame, rest: self.take(n)?, part, nesting: self.nesting })
    }

    /// A nested structure whose stated `length` counts the `seen` bytes already read of it.
    pub(crate) fn nested(&mut self, length: u16, seen: usize, part: Part) -> Result<Reader<'a>, DecodeError> {
        match usize::from(length).checked_sub(seen) {
            Some(n) if n <= self.rest.len() => self.sub(n, part),
            _ => Err(DecodeError::BadLength { part, length: usize::from(length) }),
        }
    }

    /// Like [`Reader::nested`], and steps over the zeros that fill it up to a multiple of eight.
    pub(crate) fn nested_padded(
        &mut self,
        length: u16,
        seen: usize,
        part: Part,
    ) -> Result<Reader<'a>, DecodeError> {
        let inner = self.nested(length, seen, part)?;
        self.skip(pad8(usize::from(length)))?;
        Ok(inner)
    }

    /// The two numbers of 16 bits that come next, which are left.
    pub(crate) fn peek_head(&self) -> Option<(u16, u16)> {
        let &[k0, k1, l0, l1] = self.rest.first_chunk()?;
        Some((u16::from_be_bytes([k0, k1]), u16::from_be_bytes([l0, l1])))
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.rest.len()
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Everything left, as plain bytes.
    pub(crate) fn remainder(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// Everything left, shared with the frame.
    pub(crate) fn opaque(&mut self) -> Bytes {
        self.frame.slice_ref(self.remainder())
    }

    /// Structures of one kind until nothing is left.
    pub(crate) fn list<T: Wire>(&mut self) -> Result<Vec<T>, DecodeError> {
        let mut all = Vec::new();
        while !self.is_empty() {
            let before = self.len();
            all.push(T::decode(self)?);
            debug_assert!(self.len() < before, "each element takes at least a byte");
        }
        Ok(all)
    }

    /// Ends the structure: bytes left over are an error.
    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(DecodeError::Trailing { part: self.part, left: self.rest.len() })
        }
    }
}

/// A structure that is read from and written to the wire.
pub(crate) trait Wire: Sized {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError>;
    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError>;
}

/// How many zeros follow a structure of `n` bytes to fill it up to a multiple of eight.
#[inline]
pub(crate) const fn pad8(n: usize) -> usize {
    n.wrapping_neg() & 7
}

/// Writes `n` zeros.
#[inline]
pub(crate) fn put_zeros(out: &mut BytesMut, n: usize) {
    out.put_bytes(0, n);
}

/// Sets the 16-bit length at `at` to the number of bytes written since `start`.
pub(crate) fn patch_len(out: &mut BytesMut, start: usize, at: usize, part: Part) -> Result<(), EncodeError> {
    let length = out.len() - start;
    let stated = u16::try_from(length).map_err(|_| EncodeError::TooLong {
        part,
        length,
        max: usize::from(u16::MAX),
    })?;
    out[at..at + 2].copy_from_slice(&stated.to_be_bytes());
    Ok(())
}

/// Writes zeros until the bytes since `start` are a multiple of eight.
#[inline]
pub(crate) fn pad_from(out: &mut BytesMut, start: usize) {
    let n = pad8(out.len() - start);
    put_zeros(out, n);
}

/// Hands `frame` on without its first `n` bytes, with no copy and no count of owners touched.
#[inline]
pub(crate) fn tail_of(mut frame: Bytes, n: usize) -> Bytes {
    frame.advance(n);
    frame
}

/// An enumeration of the wire whose unknown values are kept.
///
/// Each variant has its number and the words in which Open vSwitch prints it.
macro_rules! wire_enum {
    ($(#[$meta:meta])* $name:ident: $repr:ty {
        $($(#[$vmeta:meta])* $variant:ident = $number:literal, $text:literal;)+
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$vmeta])* $variant,)+
            /// A value without a name in OpenFlow 1.3, kept as it came.
            Unknown($repr),
        }

        impl From<$repr> for $name {
            #[inline]
            fn from(value: $repr) -> Self {
                match value {
                    $($number => $name::$variant,)+
                    other => $name::Unknown(other),
                }
            }
        }

        impl From<$name> for $repr {
            #[inline]
            fn from(value: $name) -> $repr {
                match value {
                    $($name::$variant => $number,)+
                    $name::Unknown(other) => other,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self {
                    $($name::$variant => f.write_str($text),)+
                    $name::Unknown(other) => write!(f, "{other}"),
                }
            }
        }
    };
}
pub(crate) use wire_enum;

/// Reads and writes a `bitflags` type, unknown bits included.
macro_rules! wire_flags {
    ($(#[$($meta:tt)*])* $name:ident: $repr:ty {
        $($(#[$($vmeta:tt)*])* const $flag:ident = $bit:expr;)+
    }) => {
        bitflags::bitflags! {
            $(#[$($meta)*])*
            ///
            /// Bits without a name are kept as they came.
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
            pub struct $name: $repr {
                $($(#[$($vmeta)*])* const $flag = $bit;)+
                const _ = !0;
            }
        }
    };
}
pub(crate) use wire_flags;
