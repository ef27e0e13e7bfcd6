//! How the values of a topology are written: as text, in files and on the command line.

use std::fmt;
use std::str::FromStr;

use super::{Distribution, Endpoint, FailMode, SwitchKind};

/// For `#[serde(with)]`: a value with a text form.
pub(super) mod required {
    use std::fmt::{self, Display};
    use std::marker::PhantomData;
    use std::str::FromStr;

    use serde::{Deserializer, Serializer, de};

    pub(crate) fn serialize<T: Display, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub(crate) fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        from.deserialize_str(Quoted(PhantomData))
    }

    struct Quoted<T>(PhantomData<T>);

    impl<T: FromStr<Err: Display>> de::Visitor<'_> for Quoted<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text in quotes")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(de::Error::custom)
        }
    }
}

/// For `#[serde(with)]`: a value with a text form that may be left out.
pub(super) mod optional {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserializer, Serializer};

    pub(crate) fn serialize<T: Display, S: Serializer>(value: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => to.collect_str(value),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, T, D>(from: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        super::required::deserialize(from).map(Some)
    }
}

impl Endpoint {
    /// An end at `node`, on the lowest free port.
    pub fn new(node: impl Into<String>) -> Self {
        Self { node: node.into(), port: None }
    }

    /// An end at port `port` of `node`.
    pub fn at(node: impl Into<String>, port: u32) -> Self {
        Self { node: node.into(), port: Some(port) }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.node),
            None => f.write_str(&self.node),
        }
    }
}

/// A text that stands for none of the values there are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no {what}; expected {expected}")]
pub struct ParseTextError {
    what: &'static str,
    expected: &'static str,
    text: String,
}

impl FromStr for Endpoint {
    type Err = ParseTextError;

    fn from_str(text: &str) -> Result<Self, ParseTextError> {
        let wrong = || ParseTextError {
            what: "end of a link",
            expected: "a node's name, or name:port",
            text: text.to_owned(),
        };
        match text.split_once(':') {
            None if text.is_empty() => Err(wrong()),
            None => Ok(Self::new(text)),
            Some(("", _)) => Err(wrong()),
            Some((node, port)) => Ok(Self::at(node, port.parse().map_err(|_| wrong())?)),
        }
    }
}

/// The words for the values of an enum, both ways.
macro_rules! words {
    ($name:ident, $what:literal, $expected:literal, $($variant:ident = $word:literal),+) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $($name::$variant => $word),+ })
            }
        }

        impl FromStr for $name {
            type Err = ParseTextError;

            fn from_str(text: &str) -> Result<Self, ParseTextError> {
                match text {
                    $($word => Ok($name::$variant),)+
                    _ => Err(ParseTextError {
                        what: $what,
                        expected: $expected,
                        text: text.to_owned(),
                    }),
                }
            }
        }
    };
}

words!(
    SwitchKind,
    "kind of switch",
    "auto, ovs, bridge or soft",
    Auto = "auto",
    Ovs = "ovs",
    Bridge = "bridge",
    Soft = "soft"
);
words!(FailMode, "fail mode", "secure or standalone", Secure = "secure", Standalone = "standalone");
words!(Distribution, "distribution", "uniform or normal", Uniform = "uniform", Normal = "normal");
