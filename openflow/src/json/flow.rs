//! Flows, packets, and what is said of them.

use super::matching::Fields;
use super::scalar::{Data, Flags, Symbol, bits, buffer, count, group, port, table};
use super::{List, object};
use crate::msg::flow_mod::FlowMod;
use crate::msg::flow_removed::FlowRemoved;
use crate::msg::packet_in::PacketIn;
use crate::msg::packet_out::PacketOut;
use crate::multipart::{AggregateStats, FlowStats, FlowStatsRequest};

object! {
    FlowMod as flow {
        "cookie": bits(flow.cookie),
        "cookie_mask": bits(flow.cookie_mask),
        "table_id": table(flow.table),
        "command": Symbol::from(flow.command),
        "idle_timeout": flow.idle_timeout,
        "hard_timeout": flow.hard_timeout,
        "priority": flow.priority,
        "buffer_id": buffer(flow.buffer),
        "out_port": port(flow.out_port),
        "out_group": group(flow.out_group),
        "flags": Flags(flow.flags),
        "match": Fields(&flow.match_),
        "instructions": List(&flow.instructions),
    }

    FlowRemoved as flow {
        "cookie": bits(flow.cookie),
        "priority": flow.priority,
        "reason": Symbol::from(flow.reason),
        "table_id": table(flow.table),
        "duration_sec": flow.age.secs,
        "duration_nsec": flow.age.nanos,
        "idle_timeout": flow.idle_timeout,
        "hard_timeout": flow.hard_timeout,
        "packet_count": count(flow.packet_count),
        "byte_count": count(flow.byte_count),
        "match": Fields(&flow.match_),
    }

    FlowStats as flow {
        "table_id": table(flow.table),
        "duration_sec": flow.age.secs,
        "duration_nsec": flow.age.nanos,
        "priority": flow.priority,
        "idle_timeout": flow.idle_timeout,
        "hard_timeout": flow.hard_timeout,
        "flags": Flags(flow.flags),
        "cookie": bits(flow.cookie),
        "packet_count": count(flow.packet_count),
        "byte_count": count(flow.byte_count),
        "match": Fields(&flow.match_),
        "instructions": List(&flow.instructions),
    }

    FlowStatsRequest as request {
        "table_id": table(request.table),
        "out_port": port(request.out_port),
        "out_group": group(request.out_group),
        "cookie": bits(request.cookie),
        "cookie_mask": bits(request.cookie_mask),
        "match": Fields(&request.match_),
    }

    AggregateStats as sum {
        "packet_count": count(sum.packet_count),
        "byte_count": count(sum.byte_count),
        "flow_count": sum.flow_count,
    }

    PacketIn as packet {
        "buffer_id": buffer(packet.buffer),
        "total_len": packet.total_len,
        "reason": Symbol::from(packet.reason),
        "table_id": table(packet.table),
        "cookie": bits(packet.cookie),
        "match": Fields(&packet.match_),
        "data": Data(&packet.data),
    }

    PacketOut as packet {
        "buffer_id": buffer(packet.buffer),
        "in_port": port(packet.in_port),
        "actions": List(&packet.actions),
        "data": Data(&packet.data),
    }
}
