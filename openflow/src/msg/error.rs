//! Error messages, and every error type and code of OpenFlow 1.3 by name (OF 1.3.5 §7.4.4).

use bytes::{BufMut, Bytes, BytesMut};

use crate::error::DecodeError;
use crate::frame::VERSION;
use crate::wire::Reader;

/// Why a peer could not do what a message asked (OF 1.3.5 §7.4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorMsg {
    /// Type and code.
    pub kind: ErrorKind,
    /// As a rule the first 64 bytes or more of the message that failed; for a failed hello, text.
    pub data: Bytes,
}

impl ErrorMsg {
    /// An error that answers `request`: the start of it, at most 64 bytes, is sent back.
    pub fn answering(kind: ErrorKind, request: &Bytes) -> ErrorMsg {
        ErrorMsg { kind, data: request.slice(..request.len().min(64)) }
    }

    /// Reads a body of whatever version. Only a failed hello has the same numbers in every version
    /// of OpenFlow; the kinds of other versions stay numbers.
    pub(crate) fn decode(version: u8, r: &mut Reader<'_>) -> Result<ErrorMsg, DecodeError> {
        let etype = r.u16()?;
        let code = r.u16()?;
        let kind = match (version, etype) {
            (VERSION, OFPET_EXPERIMENTER) => {
                ErrorKind::Experimenter { exp_type: code, experimenter: r.u32()? }
            }
            (VERSION, _) | (_, HelloFailed::ETYPE) => ErrorKind::from_numbers(etype, code),
            _ => ErrorKind::Unknown { etype, code },
        };
        Ok(ErrorMsg { kind, data: r.opaque() })
    }

    pub(crate) fn encode(&self, out: &mut BytesMut) {
        out.put_u16(self.kind.etype());
        out.put_u16(self.kind.code());
        if let ErrorKind::Experimenter { experimenter, .. } = self.kind {
            out.put_u32(experimenter);
        }
        out.put_slice(&self.data);
    }
}

/// Error type of experimenters (`OFPET_EXPERIMENTER`).
const OFPET_EXPERIMENTER: u16 = 0xffff;

/// One row a code: variant, number, name in Open vSwitch's words, meaning.
macro_rules! errors {
    ($($class:ident = $etype:literal, $doc:literal {
        $($code:ident = $number:literal, $name:literal, $what:literal;)*
    })*) => {
        $(
            #[doc = concat!($doc, ": the codes of error type ", stringify!($etype), ".")]
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
            pub enum $class {
                $(#[doc = $what] $code,)*
            }

            impl $class {
                const ETYPE: u16 = $etype;

                fn from_code(code: u16) -> Option<$class> {
                    match code {
                        $($number => Some($class::$code),)*
                        _ => None,
                    }
                }

                fn code(self) -> u16 {
                    match self { $($class::$code => $number,)* }
                }

                fn name(self) -> &'static str {
                    match self { $($class::$code => $name,)* }
                }
            }

            impl From<$class> for ErrorKind {
                fn from(code: $class) -> ErrorKind {
                    ErrorKind::$class(code)
                }
            }
        )*

        /// Type and code of an error (OF 1.3.5 §7.4.4). Prints as Open vSwitch does: `OFPBAC_BAD_OUT_PORT`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorKind {
            $(#[doc = concat!($doc, ".")] $class($class),)*
            /// An experimenter's error.
            Experimenter {
                /// The experimenter's own type, in the place of the code.
                exp_type: u16,
                /// Whose it is.
                experimenter: u32,
            },
            /// A type or code without a name in OpenFlow 1.3.
            Unknown {
                /// Error type.
                etype: u16,
                /// Error code.
                code: u16,
            },
        }

        impl ErrorKind {
            /// The kind with these numbers of OpenFlow 1.3.
            pub fn from_numbers(etype: u16, code: u16) -> ErrorKind {
                let known = match etype {
                    $($class::ETYPE => $class::from_code(code).map(ErrorKind::$class),)*
                    _ => None,
                };
                known.unwrap_or(ErrorKind::Unknown { etype, code })
            }

            /// The number of the type (`OFPET_*`).
            pub fn etype(&self) -> u16 {
                match self {
                    $(ErrorKind::$class(_) => $class::ETYPE,)*
                    ErrorKind::Experimenter { .. } => OFPET_EXPERIMENTER,
                    ErrorKind::Unknown { etype, .. } => *etype,
                }
            }

            /// The number of the code; for an experimenter's error its own type.
            pub fn code(&self) -> u16 {
                match self {
                    $(ErrorKind::$class(code) => code.code(),)*
                    ErrorKind::Experimenter { exp_type, .. } => *exp_type,
                    ErrorKind::Unknown { code, .. } => *code,
                }
            }

            /// The name in Open vSwitch's words, where there is one.
            pub fn name(&self) -> Option<&'static str> {
                match self {
                    $(ErrorKind::$class(code) => Some(code.name()),)*
                    ErrorKind::Experimenter { .. } | ErrorKind::Unknown { .. } => None,
                }
            }
        }
    };
}

impl std::fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ErrorKind::Experimenter { exp_type, experimenter } => {
                write!(f, "experimenter {experimenter:#x} error {exp_type}")
            }
            other => match other.name() {
                Some(name) => f.write_str(name),
                None => write!(f, "type {} code {}", other.etype(), other.code()),
            },
        }
    }
}

errors! {
    HelloFailed = 0, "Hello protocol failed" {
        Incompatible = 0, "OFPHFC_INCOMPATIBLE", "No version in common.";
        Eperm = 1, "OFPHFC_EPERM", "Not allowed.";
    }
    BadRequest = 1, "A request was not understood" {
        BadVersion = 0, "OFPBRC_BAD_VERSION", "Version not supported.";
        BadType = 1, "OFPBRC_BAD_TYPE", "Message type not supported.";
        BadMultipart = 2, "OFPBRC_BAD_STAT", "Multipart kind not supported.";
        BadExperimenter = 3, "OFPBRC_BAD_VENDOR", "Experimenter not known.";
        BadExpType = 4, "OFPBRC_BAD_SUBTYPE", "Experimenter's type not known.";
        Eperm = 5, "OFPBRC_EPERM", "Not allowed.";
        BadLen = 6, "OFPBRC_BAD_LEN", "Wrong length for the type.";
        BufferEmpty = 7, "OFPBRC_BUFFER_EMPTY", "The buffer has been used already.";
        BufferUnknown = 8, "OFPBRC_BUFFER_UNKNOWN", "No such buffer.";
        BadTableId = 9, "OFPBRC_BAD_TABLE_ID", "Table number invalid or no such table.";
        IsSlave = 10, "OFPBRC_IS_SECONDARY", "Denied because the controller is a slave.";
        BadPort = 11, "OFPBRC_BAD_PORT", "Invalid port.";
        BadPacket = 12, "OFPBRC_BAD_PACKET", "Invalid packet in a packet-out.";
        MultipartBufferOverflow = 13, "OFPBRC_MULTIPART_BUFFER_OVERFLOW", "The multipart request is longer than the switch can keep.";
    }
    BadAction = 2, "An action is wrong" {
        BadType = 0, "OFPBAC_BAD_TYPE", "Unknown type.";
        BadLen = 1, "OFPBAC_BAD_LEN", "Wrong length.";
        BadExperimenter = 2, "OFPBAC_BAD_VENDOR", "Experimenter not known.";
        BadExpType = 3, "OFPBAC_BAD_VENDOR_TYPE", "Experimenter's type not known.";
        BadOutPort = 4, "OFPBAC_BAD_OUT_PORT", "Output to a port that can't be.";
        BadArgument = 5, "OFPBAC_BAD_ARGUMENT", "Bad argument.";
        Eperm = 6, "OFPBAC_EPERM", "Not allowed.";
        TooMany = 7, "OFPBAC_TOO_MANY", "More actions than the switch takes.";
        BadQueue = 8, "OFPBAC_BAD_QUEUE", "No such queue.";
        BadOutGroup = 9, "OFPBAC_BAD_OUT_GROUP", "No such group.";
        MatchInconsistent = 10, "OFPBAC_MATCH_INCONSISTENT", "The action does not fit the match.";
        UnsupportedOrder = 11, "OFPBAC_UNSUPPORTED_ORDER", "An order that the switch does not support.";
        BadTag = 12, "OFPBAC_BAD_TAG", "A tag or encapsulation that the switch does not support.";
        BadSetType = 13, "OFPBAC_BAD_SET_TYPE", "Set-field of a field that can't be set.";
        BadSetLen = 14, "OFPBAC_BAD_SET_LEN", "Set-field with a wrong length.";
        BadSetArgument = 15, "OFPBAC_BAD_SET_ARGUMENT", "Set-field with a bad value.";
    }
    BadInstruction = 3, "An instruction is wrong" {
        UnknownInst = 0, "OFPBIC_UNKNOWN_INST", "Unknown instruction.";
        UnsupInst = 1, "OFPBIC_UNSUP_INST", "The switch or the table does not support it.";
        BadTableId = 2, "OFPBIC_BAD_TABLE_ID", "Invalid table.";
        UnsupMetadata = 3, "OFPBIC_UNSUP_METADATA", "Metadata that the datapath does not support.";
        UnsupMetadataMask = 4, "OFPBIC_UNSUP_METADATA_MASK", "A metadata mask that the datapath does not support.";
        BadExperimenter = 5, "OFPBIC_BAD_EXPERIMENTER", "Experimenter not known.";
        BadExpType = 6, "OFPBIC_BAD_EXP_TYPE", "Experimenter's type not known.";
        BadLen = 7, "OFPBIC_BAD_LEN", "Wrong length.";
        Eperm = 8, "OFPBIC_EPERM", "Not allowed.";
    }
    BadMatch = 4, "A match is wrong" {
        BadType = 0, "OFPBMC_BAD_TYPE", "Match type not supported.";
        BadLen = 1, "OFPBMC_BAD_LEN", "Wrong length.";
        BadTag = 2, "OFPBMC_BAD_TAG", "A tag or encapsulation that the switch does not support.";
        BadDlAddrMask = 3, "OFPBMC_BAD_DL_ADDR_MASK", "A mask on Ethernet addresses that the datapath does not support.";
        BadNwAddrMask = 4, "OFPBMC_BAD_NW_ADDR_MASK", "A mask on network addresses that the datapath does not support.";
        BadWildcards = 5, "OFPBMC_BAD_WILDCARDS", "A combination of masks that the switch does not support.";
        BadField = 6, "OFPBMC_BAD_FIELD", "A field that the switch does not support.";
        BadValue = 7, "OFPBMC_BAD_VALUE", "A value that the switch does not support.";
        BadMask = 8, "OFPBMC_BAD_MASK", "A mask that the switch does not support.";
        BadPrereq = 9, "OFPBMC_BAD_PREREQ", "A prerequisite is missing.";
        DupField = 10, "OFPBMC_DUP_FIELD", "A field is there twice.";
        Eperm = 11, "OFPBMC_EPERM", "Not allowed.";
    }
    FlowModFailed = 5, "A flow-mod failed" {
        Unknown = 0, "OFPFMFC_UNKNOWN", "For a reason that is not told.";
        TableFull = 1, "OFPFMFC_TABLE_FULL", "The table is full.";
        BadTableId = 2, "OFPFMFC_BAD_TABLE_ID", "No such table.";
        Overlap = 3, "OFPFMFC_OVERLAP", "It would overlap another flow, and CHECK_OVERLAP is set.";
        Eperm = 4, "OFPFMFC_EPERM", "Not allowed.";
        BadTimeout = 5, "OFPFMFC_BAD_TIMEOUT", "A timeout that the switch does not support.";
        BadCommand = 6, "OFPFMFC_BAD_COMMAND", "Unknown command.";
        BadFlags = 7, "OFPFMFC_BAD_FLAGS", "Flags that the switch does not support.";
    }
    GroupModFailed = 6, "A group-mod failed" {
        GroupExists = 0, "OFPGMFC_GROUP_EXISTS", "The group is there already.";
        InvalidGroup = 1, "OFPGMFC_INVALID_GROUP", "The group is invalid.";
        WeightUnsupported = 2, "OFPGMFC_WEIGHT_UNSUPPORTED", "The switch shares no load unevenly.";
        OutOfGroups = 3, "OFPGMFC_OUT_OF_GROUPS", "The group table is full.";
        OutOfBuckets = 4, "OFPGMFC_OUT_OF_BUCKETS", "More buckets than the switch has.";
        ChainingUnsupported = 5, "OFPGMFC_CHAINING_UNSUPPORTED", "The switch supports no groups that forward to groups.";
        WatchUnsupported = 6, "OFPGMFC_WATCH_UNSUPPORTED", "The group can't watch what it is to watch.";
        Loop = 7, "OFPGMFC_LOOP", "It would make a loop.";
        UnknownGroup = 8, "OFPGMFC_UNKNOWN_GROUP", "No such group to modify.";
        ChainedGroup = 9, "OFPGMFC_CHAINED_GROUP", "Another group forwards to the group to be deleted.";
        BadType = 10, "OFPGMFC_BAD_TYPE", "Unknown group type.";
        BadCommand = 11, "OFPGMFC_BAD_COMMAND", "Unknown command.";
        BadBucket = 12, "OFPGMFC_BAD_BUCKET", "A bucket is wrong.";
        BadWatch = 13, "OFPGMFC_BAD_WATCH", "The watched port or group is wrong.";
        Eperm = 14, "OFPGMFC_EPERM", "Not allowed.";
    }
    PortModFailed = 7, "A port-mod failed" {
        BadPort = 0, "OFPPMFC_BAD_PORT", "No such port.";
        BadHwAddr = 1, "OFPPMFC_BAD_HW_ADDR", "The hardware address is not the port's.";
        BadConfig = 2, "OFPPMFC_BAD_CONFIG", "Invalid config.";
        BadAdvertise = 3, "OFPPMFC_BAD_ADVERTISE", "Invalid advertised features.";
        Eperm = 4, "OFPPMFC_EPERM", "Not allowed.";
    }
    TableModFailed = 8, "A table-mod failed" {
        BadTable = 0, "OFPTMFC_BAD_TABLE", "No such table.";
        BadConfig = 1, "OFPTMFC_BAD_CONFIG", "Invalid config.";
        Eperm = 2, "OFPTMFC_EPERM", "Not allowed.";
    }
    QueueOpFailed = 9, "A queue operation failed" {
        BadPort = 0, "OFPQOFC_BAD_PORT", "No such port.";
        BadQueue = 1, "OFPQOFC_BAD_QUEUE", "No such queue.";
        Eperm = 2, "OFPQOFC_EPERM", "Not allowed.";
    }
    SwitchConfigFailed = 10, "A set-config failed" {
        BadFlags = 0, "OFPSCFC_BAD_FLAGS", "Invalid flags.";
        BadLen = 1, "OFPSCFC_BAD_LEN", "Invalid length.";
        Eperm = 2, "OFPSCFC_EPERM", "Not allowed.";
    }
    RoleRequestFailed = 11, "A role request failed" {
        Stale = 0, "OFPRRFC_STALE", "The generation id is stale.";
        Unsup = 1, "OFPRRFC_UNSUP", "The switch can't change roles.";
        BadRole = 2, "OFPRRFC_BAD_ROLE", "Invalid role.";
    }
    MeterModFailed = 12, "A meter-mod failed" {
        Unknown = 0, "OFPMMFC_UNKNOWN", "For a reason that is not told.";
        MeterExists = 1, "OFPMMFC_METER_EXISTS", "The meter is there already.";
        InvalidMeter = 2, "OFPMMFC_INVALID_METER", "The meter is invalid.";
        UnknownMeter = 3, "OFPMMFC_UNKNOWN_METER", "No such meter.";
        BadCommand = 4, "OFPMMFC_BAD_COMMAND", "Unknown command.";
        BadFlags = 5, "OFPMMFC_BAD_FLAGS", "Flags that the switch does not support.";
        BadRate = 6, "OFPMMFC_BAD_RATE", "A rate that the switch does not support.";
        BadBurst = 7, "OFPMMFC_BAD_BURST", "A burst that the switch does not support.";
        BadBand = 8, "OFPMMFC_BAD_BAND", "A band that the switch does not support.";
        BadBandValue = 9, "OFPMMFC_BAD_BAND_VALUE", "A band value that the switch does not support.";
        OutOfMeters = 10, "OFPMMFC_OUT_OF_METERS", "No more meters.";
        OutOfBands = 11, "OFPMMFC_OUT_OF_BANDS", "More bands than the switch has.";
    }
    TableFeaturesFailed = 13, "Setting table features failed" {
        BadTable = 0, "OFPTFFC_BAD_TABLE", "No such table.";
        BadMetadata = 1, "OFPTFFC_BAD_METADATA", "Invalid metadata mask.";
        BadType = 2, "OFPBPC_BAD_TYPE", "Unknown property.";
        BadLen = 3, "OFPBPC_BAD_LEN", "Wrong length in the properties.";
        BadArgument = 4, "OFPBPC_BAD_VALUE", "A property value that the switch does not support.";
        Eperm = 5, "OFPTFFC_EPERM", "Not allowed.";
    }
}
