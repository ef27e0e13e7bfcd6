//! Groups in the words of `ovs-ofctl(8)`: `group_id=1,type=all,bucket=actions=output:1`.

use std::fmt;

use crate::ids::{GroupId, PortNo};
use crate::msg::group_mod::{Bucket, GroupKind, GroupMod, GroupModCommand};
use crate::multipart::GroupDesc;

/// As `ovs-ofctl dump-groups` prints a group, without the blank in front.
impl fmt::Display for GroupDesc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_group(f, self.group, Some(self.kind), &self.buckets)
    }
}

/// As `ovs-ofctl add-group`, `mod-group` and `del-groups` read it, whichever the command is.
impl fmt::Display for GroupMod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = (self.command != GroupModCommand::Delete).then_some(self.kind);
        write_group(f, self.group, kind, &self.buckets)
    }
}

fn write_group(
    f: &mut fmt::Formatter<'_>,
    group: GroupId,
    kind: Option<GroupKind>,
    buckets: &[Bucket],
) -> fmt::Result {
    match group {
        GroupId::ALL => f.write_str("group_id=all")?,
        group => write!(f, "group_id={group}")?,
    }
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
