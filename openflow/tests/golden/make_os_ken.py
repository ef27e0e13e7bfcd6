#!/usr/bin/python3
"""Writes os_ken.hex: OpenFlow 1.3 messages as Debian's python3-os-ken encodes them.

One message a line: a name, a blank, the bytes in hex. Run it by hand when a message is added;
the tests read only its output.
"""

from os_ken.ofproto import ofproto_v1_3 as ofp
from os_ken.ofproto import ofproto_v1_3_parser as p
from os_ken.ofproto.ofproto_protocol import ProtocolDesc

DP = ProtocolDesc(version=ofp.OFP_VERSION)
FRAME = bytes(range(64))


def show(name, msg, xid=0x01020304):
    msg.xid = xid
    msg.serialize()
    print(name, bytes(msg.buf).hex())


def flow_mod(name, match, instructions=()):
    show(name, p.OFPFlowMod(DP, match=match, instructions=list(instructions)))


FIELDS = {
    "in_port": 7, "in_phy_port": 8, "metadata": (0x1234, 0xffff), "eth_dst": "01:02:03:04:05:06",
    "eth_src": ("0a:00:00:00:00:00", "ff:00:00:00:00:00"), "eth_type": 0x0800,
    "vlan_vid": 0x1064, "vlan_pcp": 5, "ip_dscp": 46, "ip_ecn": 2, "ip_proto": 6,
    "ipv4_src": ("10.0.0.0", "255.0.0.0"), "ipv4_dst": "192.168.1.2", "tcp_src": 1000,
    "tcp_dst": 80, "udp_src": 1001, "udp_dst": 53, "sctp_src": 1002, "sctp_dst": 1003,
    "icmpv4_type": 8, "icmpv4_code": 1, "arp_op": 2, "arp_spa": "10.0.0.1",
    "arp_tpa": ("10.0.0.0", "255.255.255.0"), "arp_sha": "02:00:00:00:00:01",
    "arp_tha": ("02:00:00:00:00:00", "ff:ff:ff:00:00:00"),
    "ipv6_src": ("2001:db8::", "ffff:ffff::"), "ipv6_dst": "2001:db8::1",
    "ipv6_flabel": (0x12345, 0xfffff), "icmpv6_type": 135, "icmpv6_code": 3,
    "ipv6_nd_target": "fe80::1", "ipv6_nd_sll": "02:00:00:00:00:02",
    "ipv6_nd_tll": "02:00:00:00:00:03", "mpls_label": 0x54321, "mpls_tc": 6, "mpls_bos": 1,
    "pbb_isid": (0x123456, 0xffff00), "tunnel_id": (0x55, 0xff), "ipv6_exthdr": (0x1, 0x1ff),
}


def main():
    show("hello", p.OFPHello(DP, elements=[p.OFPHelloElemVersionBitmap(versions=[1, 4])]))
    show("error", p.OFPErrorMsg(DP, type_=ofp.OFPET_BAD_ACTION, code=ofp.OFPBAC_BAD_OUT_PORT, data=FRAME))
    show("error_experimenter", p.OFPErrorExperimenterMsg(DP, exp_type=7, experimenter=0x4f4e4600, data=b"why"))
    show("echo_request", p.OFPEchoRequest(DP, data=b"ping"))
    show("echo_reply", p.OFPEchoReply(DP, data=b"pong"))
    show("experimenter", p.OFPExperimenter(DP, experimenter=0x2320, exp_type=10, data=b"\0\0\0\1"))
    show("features_request", p.OFPFeaturesRequest(DP))
    show("get_config_request", p.OFPGetConfigRequest(DP))
    show("set_config", p.OFPSetConfig(DP, flags=ofp.OFPC_FRAG_DROP, miss_send_len=128))
    show("packet_out", p.OFPPacketOut(DP, buffer_id=ofp.OFP_NO_BUFFER, in_port=ofp.OFPP_CONTROLLER,
         actions=[p.OFPActionOutput(ofp.OFPP_FLOOD, 0)], data=FRAME))
    show("port_mod", p.OFPPortMod(DP, port_no=3, hw_addr="02:00:00:00:00:09", config=ofp.OFPPC_PORT_DOWN,
         mask=ofp.OFPPC_PORT_DOWN | ofp.OFPPC_NO_FWD, advertise=ofp.OFPPF_10GB_FD))
    show("table_mod", p.OFPTableMod(DP, table_id=ofp.OFPTT_ALL, config=3))
    show("barrier_request", p.OFPBarrierRequest(DP))
    show("role_request", p.OFPRoleRequest(DP, role=ofp.OFPCR_ROLE_MASTER, generation_id=0x1122334455667788))
    show("queue_get_config_request", p.OFPQueueGetConfigRequest(DP, port=ofp.OFPP_ANY))
    show("get_async_request", p.OFPGetAsyncRequest(DP))
    show("set_async", p.OFPSetAsync(DP, [1, 2], [3, 4], [5, 6]))

    for name, value in FIELDS.items():
        flow_mod("field_" + name, p.OFPMatch(**{name: value}))
    order = ("vlan_vid", "in_port", "eth_type", "eth_dst", "ipv4_dst")
    flow_mod("flow_mod_five_fields", p.OFPMatch(**{n: FIELDS[n] for n in order}),
             [p.OFPInstructionActions(ofp.OFPIT_APPLY_ACTIONS, [p.OFPActionOutput(2)])])

    actions = [
        p.OFPActionOutput(ofp.OFPP_CONTROLLER, ofp.OFPCML_NO_BUFFER), p.OFPActionCopyTtlOut(),
        p.OFPActionCopyTtlIn(), p.OFPActionSetMplsTtl(64), p.OFPActionDecMplsTtl(),
        p.OFPActionPushVlan(0x8100), p.OFPActionPopVlan(), p.OFPActionPushMpls(0x8847),
        p.OFPActionPopMpls(0x0800), p.OFPActionSetQueue(9), p.OFPActionGroup(11),
        p.OFPActionSetNwTtl(63), p.OFPActionDecNwTtl(), p.OFPActionSetField(eth_src="02:00:00:00:00:04"),
        p.OFPActionSetField(ipv6_dst="fe80::2"), p.OFPActionSetField(vlan_vid=0x1005),
        p.OFPActionPushPbb(0x88e7), p.OFPActionPopPbb(),
        p.OFPActionExperimenterUnknown(0x2320, data=b"\0\1\0\2"),
    ]
    flow_mod("flow_mod_all_actions", p.OFPMatch(), [
        p.OFPInstructionActions(ofp.OFPIT_APPLY_ACTIONS, actions)])
    show("flow_mod_all_instructions", p.OFPFlowMod(
        DP, cookie=1, cookie_mask=2, table_id=3, command=ofp.OFPFC_MODIFY_STRICT, idle_timeout=4,
        hard_timeout=5, priority=6, buffer_id=7, out_port=8, out_group=9,
        flags=ofp.OFPFF_SEND_FLOW_REM | ofp.OFPFF_CHECK_OVERLAP, match=p.OFPMatch(),
        instructions=[
            p.OFPInstructionMeter(12),
            p.OFPInstructionActions(ofp.OFPIT_APPLY_ACTIONS, [p.OFPActionPopVlan()]),
            p.OFPInstructionActions(ofp.OFPIT_CLEAR_ACTIONS, []),
            p.OFPInstructionActions(ofp.OFPIT_WRITE_ACTIONS, [p.OFPActionGroup(1)]),
            p.OFPInstructionWriteMetadata(0x10, 0xff), p.OFPInstructionGotoTable(13)]))

    show("group_mod", p.OFPGroupMod(DP, command=ofp.OFPGC_MODIFY, type_=ofp.OFPGT_FF, group_id=5, buckets=[
        p.OFPBucket(weight=0, watch_port=1, watch_group=ofp.OFPG_ANY, actions=[p.OFPActionOutput(1, 0)]),
        p.OFPBucket(weight=0, watch_port=2, watch_group=ofp.OFPG_ANY, actions=[p.OFPActionOutput(2, 0)])]))
    show("meter_mod", p.OFPMeterMod(DP, command=ofp.OFPMC_ADD, flags=ofp.OFPMF_KBPS | ofp.OFPMF_BURST, meter_id=4,
         bands=[p.OFPMeterBandDrop(1000, 100), p.OFPMeterBandDscpRemark(500, 50, 2)]))

    everything = dict(table_id=ofp.OFPTT_ALL, out_port=ofp.OFPP_ANY, out_group=ofp.OFPG_ANY, cookie=1, cookie_mask=3)
    show("desc_request", p.OFPDescStatsRequest(DP, 0))
    show("flow_request", p.OFPFlowStatsRequest(DP, 0, match=p.OFPMatch(in_port=1), **everything))
    show("aggregate_request", p.OFPAggregateStatsRequest(DP, 0, match=p.OFPMatch(), **everything))
    show("table_request", p.OFPTableStatsRequest(DP, 0))
    show("port_stats_request", p.OFPPortStatsRequest(DP, 0, ofp.OFPP_ANY))
    show("queue_request", p.OFPQueueStatsRequest(DP, 0, 3, ofp.OFPQ_ALL))
    show("group_request", p.OFPGroupStatsRequest(DP, 0, 5))
    show("group_desc_request", p.OFPGroupDescStatsRequest(DP, 0))
    show("group_features_request", p.OFPGroupFeaturesStatsRequest(DP, 0))
    show("meter_request", p.OFPMeterStatsRequest(DP, 0, 4))
    show("meter_config_request", p.OFPMeterConfigStatsRequest(DP, 0, ofp.OFPM_ALL))
    show("meter_features_request", p.OFPMeterFeaturesStatsRequest(DP, 0))
    show("table_features_request", p.OFPTableFeaturesStatsRequest(DP, 0, []))
    show("port_desc_request", p.OFPPortDescStatsRequest(DP, 0))
    show("experimenter_request", p.OFPExperimenterStatsRequest(DP, 0, 0x2320, 2, b"ask"))


if __name__ == "__main__":
    main()
