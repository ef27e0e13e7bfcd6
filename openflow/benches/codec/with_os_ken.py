#!/usr/bin/python3
"""Nanoseconds that python3-os-ken takes to decode a packet-in and to encode a flow-mod: `with_os_ken.py PACKET_IN_HEX`.

The flow-mod is the one of main.rs: five fields, one output.
"""

import sys
import time

from os_ken.ofproto import ofproto_parser
from os_ken.ofproto import ofproto_v1_3 as ofp
from os_ken.ofproto import ofproto_v1_3_parser as p
from os_ken.ofproto.ofproto_protocol import ProtocolDesc

DP = ProtocolDesc(version=ofp.OFP_VERSION)
# As in main.rs: many short runs, of which the median counts.
RUNS, COUNT = 301, 10


def decode(wire):
    version, msg_type, msg_len, xid = ofproto_parser.header(wire)
    return ofproto_parser.msg(DP, version, msg_type, msg_len, xid, wire)


def encode():
    match = p.OFPMatch(in_port=7, eth_dst="01:02:03:04:05:06", eth_type=0x0800, vlan_vid=0x1064,
                       ipv4_dst="192.168.1.2")
    actions = [p.OFPActionOutput(2, 0)]
    instructions = [p.OFPInstructionActions(ofp.OFPIT_APPLY_ACTIONS, actions)]
    message = p.OFPFlowMod(DP, priority=10, out_port=ofp.OFPP_ANY, out_group=ofp.OFPG_ANY, match=match,
                           instructions=instructions)
    message.xid = 1
    message.serialize()
    return bytes(message.buf)


def nanoseconds(work):
    times = []
    for _ in range(RUNS):
        start = time.perf_counter_ns()
        for _ in range(COUNT):
            work()
        times.append((time.perf_counter_ns() - start) / COUNT)
    return sorted(times)[len(times) // 2]


wire = bytes.fromhex(sys.argv[1])
assert decode(wire).match["in_port"] == 7
print(nanoseconds(lambda: decode(wire)), nanoseconds(encode), encode().hex())
