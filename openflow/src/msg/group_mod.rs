//! Groups and their buckets (OF 1.3.5 §7.3.4.2).

use bytes::{BufMut, BytesMut};

use crate::action::Actions;
use crate::error::{DecodeError, EncodeError, Part};
use crate::ids::{GroupId, PortNo};
use crate::wire::{Reader, Wire, patch_len, put_zeros, wire_enum};

/// A change of the group table (OF 1.3.5 §7.3.4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMod {
    /// What to do.
    pub command: GroupModCommand,
    /// How the buckets are used.
    pub kind: GroupKind,
    /// Which group.
    pub group: GroupId,
    /// What it can do with a packet.
    pub buckets: Vec<Bucket>,
}

impl GroupMod {
    /// Adds a group.
    pub fn add(kind: GroupKind, group: GroupId, buckets: impl Into<Vec<Bucket>>) -> GroupMod {
        GroupMod { command: GroupModCommand::Add, kind, group, buckets: buckets.into() }
    }

    /// Changes type and buckets of a group.
    pub fn modify(kind: GroupKind, group: GroupId, buckets: impl Into<Vec<Bucket>>) -> GroupMod {
        GroupMod { command: GroupModCommand::Modify, ..GroupMod::add(kind, group, buckets) }
    }

    /// Deletes a group; [`GroupId::ALL`] is all of them.
    pub fn delete(group: GroupId) -> GroupMod {
        GroupMod { command: GroupModCommand::Delete, ..GroupMod::add(GroupKind::All, group, []) }
    }
}

wire_enum! {
    /// What a group-mod does (`OFPGC_*`, OF 1.3.5 §7.3.4.2).
    GroupModCommand: u16 {
        /// Adds a group.
        Add = 0, "ADD";
        /// Changes a group.
        Modify = 1, "MOD";
        /// Deletes a group.
        Delete = 2, "DEL";
    }
}

wire_enum! {
    /// How a group uses its buckets (`OFPGT_*`, OF 1.3.5 §7.3.4.2).
    GroupKind: u8 {
        /// Every bucket gets a copy.
        All = 0, "all";
        /// One bucket, by weight.
        Select = 1, "select";
        /// The one bucket that there is.
        Indirect = 2, "indirect";
        /// The first bucket that is alive.
        FastFailover = 3, "fast_failover";
    }
}

/// Actions of a group that go together (OF 1.3.5 §7.3.4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Share of the load; in select groups only.
    pub weight: u16,
    /// Port whose life decides over the bucket's; [`PortNo::ANY`] is none.
    pub watch_port: PortNo,
    /// Group whose life decides over the bucket's; [`GroupId::ANY`] is none.
    pub watch_group: GroupId,
    /// The action set.
    pub actions: Actions,
}

impl Bucket {
    /// A bucket that watches nothing, with weight 0 as groups other than select want it.
    pub fn new(actions: impl Into<Actions>) -> Bucket {
        Bucket { weight: 0, watch_port: PortNo::ANY, watch_group: GroupId::ANY, actions: actions.into() }
    }

    /// Sets the weight.
    #[must_use]
    pub fn weight(mut self, weight: u16) -> Self {
        self.weight = weight;
        self
    }

    /// Sets the port that is watched.
    #[must_use]
    pub fn watch_port(mut self, port: PortNo) -> Self {
        self.watch_port = port;
        self
    }

    /// Sets the group that is watched.
    #[must_use]
    pub fn watch_group(mut self, group: GroupId) -> Self {
        self.watch_group = group;
        self
    }
}

impl Wire for Bucket {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let length = r.u16()?;
        let mut r = r.nested(length, 2, Part::Bucket)?;
        let weight = r.u16()?;
        let watch_port = PortNo(r.u32()?);
        let watch_group = GroupId(r.u32()?);
        r.skip(4)?;
        Ok(Bucket { weight, watch_port, watch_group, actions: Actions::read(&mut r)? })
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let start = out.len();
        out.put_u16(0);
        out.put_u16(self.weight);
        out.put_u32(self.watch_port.0);
        out.put_u32(self.watch_group.0);
        put_zeros(out, 4);
        self.actions.write(out)?;
        patch_len(out, start, start, Part::Bucket)
    }
}

impl Wire for GroupMod {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let command = r.u16()?.into();
        let kind = r.u8()?.into();
        r.skip(1)?;
        let group = GroupId(r.u32()?);
        let buckets = r.list()?;
        Ok(GroupMod { command, kind, group, buckets })
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_u16(self.command.into());
        out.put_u8(self.kind.into());
        put_zeros(out, 1);
        out.put_u32(self.group.0);
        self.buckets.iter().try_for_each(|b| b.encode(out))
    }
}
