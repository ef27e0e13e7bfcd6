//! Names in fields of a fixed size, filled up with zeros.

use std::borrow::Cow;
use std::fmt;

use bytes::{BufMut, BytesMut};
use smallvec::SmallVec;

use crate::error::DecodeError;
use crate::wire::{Reader, put_zeros};

/// A name of at most `N` bytes, as a peer sent it: usually ASCII, never promised to be UTF-8.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FixedStr<const N: usize>(SmallVec<[u8; 16]>);

/// Name of a port (OF 1.3.5 §7.2.1).
pub type PortName = FixedStr<16>;

/// A name that is too long, or has a zero in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{name}\" is no name for a field of {max} bytes; use fewer, and no NUL")]
pub struct FixedStrError {
    /// The name.
    pub name: String,
    /// The most that fits, bytes, with a zero behind it.
    pub max: usize,
}

impl<const N: usize> FixedStr<N> {
    /// The bytes before the first zero.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// As text; bytes that are no UTF-8 are replaced.
    pub fn to_str_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// Whether nothing is there.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let field = r.take(N)?;
        let end = field.iter().position(|b| *b == 0).unwrap_or(N);
        Ok(FixedStr(SmallVec::from_slice(&field[..end])))
    }

    pub(crate) fn write(&self, out: &mut BytesMut) {
        out.put_slice(&self.0);
        put_zeros(out, N - self.0.len());
    }
}

impl<const N: usize> TryFrom<&str> for FixedStr<N> {
    type Error = FixedStrError;

    fn try_from(name: &str) -> Result<Self, FixedStrError> {
        if name.len() >= N || name.contains('\0') {
            return Err(FixedStrError { name: name.to_owned(), max: N });
        }
        Ok(FixedStr(SmallVec::from_slice(name.as_bytes())))
    }
}

impl<const N: usize> PartialEq<str> for FixedStr<N> {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl<const N: usize> PartialEq<&str> for FixedStr<N> {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

impl<const N: usize> fmt::Display for FixedStr<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_str_lossy())
    }
}

impl<const N: usize> fmt::Debug for FixedStr<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_str_lossy())
    }
}
