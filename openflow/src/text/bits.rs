//! Numbers of which each bit has a name, and dumps of bytes.

use std::fmt;

/// The names of the bits that are set, with blanks between; what has no name in hex, nothing as `0`.
pub(super) struct Bits(pub(super) u32, pub(super) &'static [(u32, &'static str)]);

impl fmt::Display for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Bits(mut rest, names) = *self;
        if rest == 0 {
            return f.write_str("0");
        }
        let mut between = "";
        for (bit, name) in names {
            if rest & bit != 0 {
                write!(f, "{between}{name}")?;
                between = " ";
                rest &= !bit;
            }
        }
        match rest {
            0 => Ok(()),
            rest => write!(f, "{between}{rest:#x}"),
        }
    }
}

/// Sixteen bytes a line, each line on a new one: offset, hex, characters.
pub(super) struct Dump<'a>(pub(super) &'a [u8]);

impl fmt::Display for Dump<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (row, bytes) in self.0.chunks(16).enumerate() {
            write!(f, "\n{:08x} ", row * 16)?;
            for at in 0..16 {
                let between = if at == 8 { '-' } else { ' ' };
                match bytes.get(at) {
                    Some(byte) => write!(f, "{between}{byte:02x}")?,
                    // The dash stands behind the eighth byte even where no ninth follows.
                    None if at == bytes.len() => write!(f, "{between}  ")?,
                    None => f.write_str("   ")?,
                }
            }
            f.write_str(" |")?;
            for byte in bytes {
                let shown = if matches!(byte, b' '..=b'~') { char::from(*byte) } else { '.' };
                write!(f, "{shown}")?;
            }
            write!(f, "{:1$}|", "", 16 - bytes.len())?;
        }
        Ok(())
    }
}

/// Text of a peer on one line: what would move a terminal's cursor is escaped.
pub(super) struct OneLine<'a>(pub(super) &'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            c if c.is_control() => write!(f, "{}", c.escape_default()),
            c => write!(f, "{c}"),
        })
    }
}
