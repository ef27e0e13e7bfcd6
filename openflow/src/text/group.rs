//! Groups in the words of `ovs-ofctl(8)`: `group_id=1,type=all,bucket=actions=output:1`.

use std::fmt;

use super::AltHex;
use super::table::ActionKinds;
use crate::ids::{GroupId, PortNo};
use crate::msg::group_mod::{Bucket, GroupKind, GroupMod, GroupModCommand};
use crate::multipart::{GroupDesc, GroupFeatures, GroupStats};

/// As `ovs-ofctl dump-groups` prints a group, without the blank in front.
impl fmt::Display for GroupDesc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_id(f, self.group)?;
        write_group(f, Some(self.kind), &self.buckets)
    }
}

/// As `ovs-ofctl add-group`, `mod-group` and `del-groups` read it, whichever the command is.
impl fmt::Display for GroupMod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = (self.command != GroupModCommand::Delete).then_some(self.kind);
        write_id(f, self.group)?;
        write_group(f, kind, &self.buckets)
    }
}

/// A group-mod as `ovs-ofctl ofp-print` prints it.
pub(super) fn write_group_mod(f: &mut fmt::Formatter<'_>, group: &GroupMod) -> fmt::Result {
    write!(f, "\n {} group_id={}", group.command, group.group)?;
    write_group(f, Some(group.kind), &group.buckets)
}

/// A group of a reply, on a line of its own.
pub(super) fn write_group_desc(f: &mut fmt::Formatter<'_>, group: &GroupDesc) -> fmt::Result {
    write!(f, "\n group_id={}", group.group)?;
    write_group(f, Some(group.kind), &group.buckets)
}

/// Counters of a group of a reply, on a line of their own.
pub(super) fn write_group_stats(f: &mut fmt::Formatter<'_>, stats: &GroupStats) -> fmt::Result {
    write!(
        f,
        "\n group_id={},duration={},ref_count={},packet_count={},byte_count={}",
        stats.group, stats.age, stats.ref_count, stats.packet_count, stats.byte_count
    )?;
    stats.buckets.iter().enumerate().try_for_each(|(n, bucket)| {
        write!(f, ",bucket{n}:packet_count={},byte_count={}", bucket.packet_count, bucket.byte_count)
    })
}

/// What the groups of a switch can do.
pub(super) fn write_group_features(f: &mut fmt::Formatter<'_>, features: &GroupFeatures) -> fmt::Result {
    const KINDS: [&str; 4] = ["all", "select", "indirect", "fast failover"];
    f.write_str("\n Group table:")?;
    write!(f, "\n    Types:  {:#x}", features.kinds)?;
    write!(f, "\n    Capabilities:  {:#x}", features.capabilities.bits())?;
    for (kind, name) in KINDS.iter().enumerate().filter(|(kind, _)| features.kinds >> kind & 1 == 1) {
        write!(f, "\n    {name} group:")?;
        write!(f, "\n       max_groups={}", AltHex(features.max_groups[kind]))?;
        write!(f, "\n       actions: {}", ActionKinds(features.actions[kind].into()))?;
    }
    Ok(())
}

fn write_id(f: &mut fmt::Formatter<'_>, group: GroupId) -> fmt::Result {
    match group {
        GroupId::ALL => f.write_str("group_id=all"),
        group => write!(f, "group_id={group}"),
    }
}

/// Kind and buckets, behind the number.
fn write_group(f: &mut fmt::Formatter<'_>, kind: Option<GroupKind>, buckets: &[Bucket]) -> fmt::Result {
    match kind {
        Some(GroupKind::FastFailover) => f.write_str(",type=ff")?,
        Some(kind) => write!(f, ",type={kind}")?,
        None => {}
    }
    let usual = u16::from(kind == Some(GroupKind::Select));
    for bucket in buckets {
        f.write_str(",bucket=")?;
        if bucket.weight != usual {
            write!(f, "weight:{},", bucket.weight)?;
        }
        if bucket.watch_port != PortNo::ANY {
            write!(f, "watch_port:{},", bucket.watch_port)?;
        }
        if bucket.watch_group != GroupId::ANY {
            write!(f, "watch_group:{},", bucket.watch_group)?;
        }
        write!(f, "actions={}", bucket.actions)?;
    }
    Ok(())
}
