//! Groups and changes of groups.

use super::error::Fault;
use super::lexer::{Pair, Pairs};
use super::number;
use super::packet::Surroundings;
use super::{Reading, Strictness};
use crate::ids::{GroupId, PortNo};
use crate::msg::group_mod::{Bucket, GroupKind, GroupMod, GroupModCommand};

/// What starts a bucket.
const BUCKET: &str = "bucket=";

const KINDS: [(&str, GroupKind); 5] = [
    ("all", GroupKind::All),
    ("select", GroupKind::Select),
    ("indirect", GroupKind::Indirect),
    ("ff", GroupKind::FastFailover),
    ("fast_failover", GroupKind::FastFailover),
];

/// Words for what OpenFlow 1.5 has and 1.3 has not.
const OF_1_5: [&str; 5] =
    ["selection_method", "selection_method_param", "fields", "command_bucket_id", "bucket_id"];

const NEEDS_1_5: &str = "OpenFlow 1.3 can't say it, 1.5 can; leave it out";

impl Reading<'_> {
    /// A change of the group table.
    pub(super) fn group_text<'t>(
        &self,
        text: &'t str,
        command: GroupModCommand,
    ) -> Result<GroupMod, Fault<'t>> {
        let deletes = command == GroupModCommand::Delete;
        if deletes && text.is_empty() {
            return Ok(GroupMod::delete(GroupId::ALL));
        }
        let end = &text[text.len()..];
        let first = text.find(BUCKET).unwrap_or(text.len());
        let (head, buckets) = text.split_at(first);
        if deletes && !buckets.is_empty() {
            return Err(Fault::refused(&buckets[..BUCKET.len() - 1], "a group is deleted whole"));
        }
        let (mut group, mut kind) = (None, None);
        for Pair { key, value } in Pairs::of(head) {
            match key {
                "group_id" => group = Some(self.group_id(value)?),
                "type" if deletes => {
                    return Err(Fault::refused(key, "a group is deleted whatever its type; leave it out"));
                }
                "type" => kind = Some(group_kind(value)?),
                _ if OF_1_5.contains(&key) => self.of_1_5(key, deletes)?,
                _ => {
                    return Err(Fault::unknown(
                        "keyword",
                        key,
                        ["group_id", "type", "bucket"].into_iter().chain(OF_1_5),
                    ));
                }
            }
        }
        let group = group.ok_or_else(|| Fault::missing("group_id=", end))?;
        let kind = match kind {
            Some(kind) => kind,
            None if deletes => GroupKind::All,
            None => return Err(Fault::missing("type=", end)),
        };
        let buckets: Vec<Bucket> =
            split_buckets(buckets).map(|bucket| self.bucket(bucket, kind)).collect::<Result<_, _>>()?;
        if kind == GroupKind::Indirect && buckets.len() > 1 {
            return Err(Fault::refused(
                text,
                "an indirect group has one bucket; make it one of another type",
            ));
        }
        if kind == GroupKind::Indirect
            && buckets.is_empty()
            && !deletes
            && self.strictness == Strictness::Strict
        {
            return Err(Fault::missing("the one bucket of an indirect group", end));
        }
        Ok(GroupMod { command, kind, group, buckets })
    }

    fn group_id<'t>(&self, value: &'t str) -> Result<GroupId, Fault<'t>> {
        if value == "all" {
            return Ok(GroupId::ALL);
        }
        let group = GroupId(number::u32("group_id", value, self.strictness)?);
        if group > GroupId::MAX && group != GroupId::ALL {
            return Err(Fault::value("group_id", value, "a number up to 4294967040, or all"));
        }
        Ok(group)
    }

    /// Open vSwitch takes these words and sends groups without them.
    fn of_1_5<'t>(&self, key: &'t str, deletes: bool) -> Result<(), Fault<'t>> {
        let lost = !deletes && !matches!(key, "command_bucket_id" | "fields" | "selection_method_param");
        if lost && self.strictness == Strictness::OpenVswitch {
            return Ok(());
        }
        Err(Fault::refused(key, NEEDS_1_5))
    }

    /// A bucket: what is no property of it is an action.
    fn bucket<'t>(&self, text: &'t str, kind: GroupKind) -> Result<Bucket, Fault<'t>> {
        let mut bucket = Bucket::new([]).weight(if kind == GroupKind::Select { 1 } else { 0 });
        let mut actions: Vec<Pair<'t>> = Vec::new();
        let mut has_actions = false;
        let mut weight = text;
        for pair in Pairs::of(text) {
            let Pair { key, value } = pair;
            let is = |name: &str| key.eq_ignore_ascii_case(name);
            if is("weight") {
                bucket.weight = number::small("the weight", value, 65535)?;
                weight = key;
            } else if is("watch_port") {
                bucket.watch_port = self.port_value("watch_port", value)?;
                let port = bucket.watch_port;
                // A controller is alive while one is connected, to Open vSwitch.
                if port > PortNo(0xfeff) && !matches!(port, PortNo::ANY | PortNo::CONTROLLER) {
                    return Err(Fault::value("watch_port", value, "an ordinary port, CONTROLLER or ANY"));
                }
            } else if is("watch_group") {
                let group = GroupId(number::u32("watch_group", value, self.strictness)?);
                if group > GroupId::MAX {
                    return Err(Fault::value("watch_group", value, "a number up to 4294967040"));
                }
                bucket.watch_group = group;
            } else if is("bucket_id") {
                let id = number::u32("bucket_id", value, self.strictness)?;
                if self.strictness == Strictness::Strict || id > 0xffff_ff00 {
                    return Err(Fault::refused(key, NEEDS_1_5));
                }
            } else if is("action") || is("actions") {
                has_actions = true;
                actions.extend(Pairs::of(value));
            } else {
                has_actions = true;
                actions.push(pair);
            }
        }
        if !has_actions {
            return Err(Fault::missing("the actions of the bucket (drop is one)", &text[text.len()..]));
        }
        if kind != GroupKind::Select && bucket.weight != 0 {
            return Err(Fault::refused(weight, "only buckets of select groups have weights; leave it out"));
        }
        let watched = bucket.watch_port != PortNo::ANY || bucket.watch_group != GroupId::ANY;
        if kind == GroupKind::FastFailover && !watched {
            return Err(Fault::refused(
                text.trim(),
                "a fast failover bucket needs watch_port or watch_group",
            ));
        }
        bucket.actions = self.action_list(actions, Surroundings::Nothing)?;
        Ok(bucket)
    }
}

fn group_kind(value: &str) -> Result<GroupKind, Fault<'_>> {
    let found = KINDS.iter().find(|(name, _)| *name == value).map(|(_, kind)| *kind);
    found.ok_or_else(|| Fault::unknown("group type", value, KINDS.iter().map(|(name, _)| *name)))
}

/// The texts behind each `bucket=`.
fn split_buckets(text: &str) -> impl Iterator<Item = &str> {
    text.split(BUCKET).skip(1)
}
