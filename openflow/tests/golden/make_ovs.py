#!/usr/bin/python3
"""Writes ovs.hex: what a live Open vSwitch (3.1, Debian's package) says to its controller, and what
its ovs-ofctl says to a switch.

A private instance with the dummy datapath is started in a directory of its own, so no privileges
are needed and nothing else is touched. The requests are python3-os-ken's. One message a line: a
name, a blank, the bytes in hex. Run it by hand when a message is added; the tests read only its
output.
"""

import contextlib
import os
import socket
import struct
import subprocess
import tempfile

from os_ken.ofproto import ofproto_v1_3 as ofp
from os_ken.ofproto import ofproto_v1_3_parser as p
from os_ken.ofproto.ofproto_protocol import ProtocolDesc

DP = ProtocolDesc(version=ofp.OFP_VERSION)
DIR = tempfile.mkdtemp(prefix="golden-")
ENV = dict(os.environ, OVS_RUNDIR=DIR, OVS_LOGDIR=DIR, OVS_DBDIR=DIR, OVS_SYSCONFDIR=DIR)
DB = f"unix:{DIR}/db.sock"


def run(*args):
    return subprocess.run(args, env=ENV, check=True, capture_output=True, text=True).stdout


def vsctl(*args):
    run("ovs-vsctl", f"--db={DB}", *args)


def ofctl(*args):
    options = [a for a in args if a.startswith("--")]
    command, *rest = [a for a in args if not a.startswith("--")]
    return run("ovs-ofctl", "-O", "OpenFlow13", *options, command, f"unix:{DIR}/br0.mgmt", *rest)


class Stream:
    def __init__(self, sock):
        self.sock, self.buf = sock, b""

    def next(self):
        while len(self.buf) < 8 or len(self.buf) < struct.unpack_from("!H", self.buf, 2)[0]:
            more = self.sock.recv(65536)
            if not more:
                return None
            self.buf += more
        n = struct.unpack_from("!H", self.buf, 2)[0]
        msg, self.buf = self.buf[:n], self.buf[n:]
        return msg

    def until(self, kind):
        """The next message of this type; echo requests on the way are answered."""
        while True:
            msg = self.next()
            if msg[1] == 2:
                self.sock.sendall(bytes([msg[0], 3]) + msg[2:])
            if msg[1] == kind:
                return msg

    def ask(self, request, kind):
        request.xid = 0x77
        request.serialize()
        self.sock.sendall(bytes(request.buf))
        return self.until(kind)


def show(name, msg):
    print(name, msg.hex(), flush=True)


def controller(stream):
    hello = stream.next()
    show("hello", hello)
    stream.sock.sendall(hello)
    show("features_reply", stream.ask(p.OFPFeaturesRequest(DP), 6))
    show("get_config_reply", stream.ask(p.OFPGetConfigRequest(DP), 8))
    show("barrier_reply", stream.ask(p.OFPBarrierRequest(DP), 21))
    show("role_reply", stream.ask(p.OFPRoleRequest(DP, ofp.OFPCR_ROLE_MASTER, 7), 25))
    show("get_async_reply", stream.ask(p.OFPGetAsyncRequest(DP), 27))
    show("queue_get_config_reply", stream.ask(p.OFPQueueGetConfigRequest(DP, 1), 23))
    show("error_bad_stat", stream.ask(p.OFPExperimenterStatsRequest(DP, 0, 0x123456, 2, b"ask!"), 1))
    bad = p.OFPFlowMod(DP, match=p.OFPMatch(in_port=1), instructions=[
        p.OFPInstructionActions(ofp.OFPIT_APPLY_ACTIONS, [p.OFPActionGroup(99)])])
    show("error_bad_out_group", stream.ask(bad, 1))

    ofctl("add-group", "group_id=1,type=select,bucket=weight:10,actions=output:1,bucket=weight:20,actions=output:2")
    ofctl("add-group", "group_id=2,type=ff,bucket=watch_port:1,actions=output:1,bucket=watch_port:2,actions=output:2")
    ofctl("add-meter", "meter=1,kbps,burst,stats,bands=type=drop,rate=1000,burst_size=100")
    for flow in FLOWS:
        ofctl("add-flow", flow)
    every = dict(table_id=ofp.OFPTT_ALL, out_port=ofp.OFPP_ANY, out_group=ofp.OFPG_ANY, cookie=0, cookie_mask=0)
    show("desc_reply", stream.ask(p.OFPDescStatsRequest(DP, 0), 19))
    show("flow_reply", stream.ask(p.OFPFlowStatsRequest(DP, 0, match=p.OFPMatch(), **every), 19))
    show("aggregate_reply", stream.ask(p.OFPAggregateStatsRequest(DP, 0, match=p.OFPMatch(), **every), 19))
    show("table_reply", stream.ask(p.OFPTableStatsRequest(DP, 0), 19))
    show("port_stats_reply", stream.ask(p.OFPPortStatsRequest(DP, 0, ofp.OFPP_ANY), 19))
    show("queue_reply", stream.ask(p.OFPQueueStatsRequest(DP, 0, ofp.OFPP_ANY, ofp.OFPQ_ALL), 19))
    show("group_reply", stream.ask(p.OFPGroupStatsRequest(DP, 0, ofp.OFPG_ALL), 19))
    show("group_desc_reply", stream.ask(p.OFPGroupDescStatsRequest(DP, 0), 19))
    show("group_features_reply", stream.ask(p.OFPGroupFeaturesStatsRequest(DP, 0), 19))
    show("meter_reply", stream.ask(p.OFPMeterStatsRequest(DP, 0, ofp.OFPM_ALL), 19))
    show("meter_config_reply", stream.ask(p.OFPMeterConfigStatsRequest(DP, 0, ofp.OFPM_ALL), 19))
    show("meter_features_reply", stream.ask(p.OFPMeterFeaturesStatsRequest(DP, 0), 19))
    part = stream.ask(p.OFPTableFeaturesStatsRequest(DP, 0, []), 19)
    while part[11] & 1:
        part = stream.until(19)
    n = struct.unpack_from("!H", part, 16)[0]  # the first table of the last part will do
    show("table_features_reply_first_table", part[:2] + struct.pack("!H", 16 + n) + part[4:16 + n])
    show("port_desc_reply", stream.ask(p.OFPPortDescStatsRequest(DP, 0), 19))

    receive("p1", "ffffffffffff020000000001" + "88b5" + "00" * 46)
    show("packet_in", stream.until(10))
    ofctl("--strict", "del-flows", "table=1,priority=7,arp,arp_op=1,arp_tpa=10.0.0.1")
    show("flow_removed", stream.until(11))
    ofctl("mod-port", "p2", "down")
    show("port_status", stream.until(12))


FLOWS = [
    "table=0,priority=0,actions=CONTROLLER:65535",
    "table=0,priority=100,in_port=1,dl_vlan=100,dl_vlan_pcp=3,actions=pop_vlan,output:2",
    "table=0,priority=10,tcp,nw_src=10.0.0.0/8,tp_dst=80,cookie=0x2a,idle_timeout=60,hard_timeout=600,"
    "actions=set_field:192.168.0.1->ip_dst,dec_ttl,group:1",
    "table=0,tcp,tp_src=0x400/0xfc00,actions=drop",
    "table=0,priority=20,udp6,ipv6_dst=2001:db8::/32,actions=meter:1,write_metadata:0x10/0xff,goto_table:1",
    "table=1,priority=7,send_flow_rem,arp,arp_op=1,arp_tpa=10.0.0.1,actions=FLOOD",
    "table=1,icmp6,icmp_type=135,nd_target=fe80::1,actions=set_queue:3,NORMAL",
    "table=1,mpls,mpls_label=7,mpls_bos=1,actions=pop_mpls:0x0800,LOCAL",
    "table=1,ip,nw_proto=89,nw_tos=184,nw_ecn=1,actions=push_vlan:0x8100,set_field:4196->vlan_vid,IN_PORT",
    "table=1,reg0=5,actions=load:0x7->NXM_NX_REG1[],resubmit(,2)",
    "table=1,metadata=0x10/0xff,actions=clear_actions,write_actions(group:2)",
]


def ovs_ofctl_as_encoder():
    """What ovs-ofctl sends when it is told to add these flows."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    for i, flow in enumerate(FLOWS):
        client = subprocess.Popen(["ovs-ofctl", "-O", "OpenFlow13", "--no-names", "add-flow", f"tcp:127.0.0.1:{port}", flow],
                                  env=ENV, stdout=subprocess.DEVNULL)
        stream = Stream(listener.accept()[0])
        stream.sock.sendall(bytes.fromhex("0400000800000001"))
        while (msg := stream.next()) is not None:
            if msg[1] == 14:
                show(f"ofctl_flow_mod_{i}", msg)
            elif msg[1] == 20:
                stream.sock.sendall(bytes([4, 21]) + msg[2:8])
        client.wait()
        stream.sock.close()


@contextlib.contextmanager
def switch():
    """A switch br0 with ports p1 and p2, and the connection that it opened to its controller."""
    run("ovsdb-tool", "create", f"{DIR}/conf.db", "/usr/share/openvswitch/vswitch.ovsschema")
    db = subprocess.Popen(["ovsdb-server", f"{DIR}/conf.db", f"--remote=punix:{DIR}/db.sock",
                           f"--unixctl={DIR}/db.ctl"], env=ENV, stderr=subprocess.DEVNULL)
    daemon = None
    try:
        run("ovsdb-client", "wait", DB, "Open_vSwitch", "connected")
        vsctl("--no-wait", "init")
        daemon = subprocess.Popen(["ovs-vswitchd", DB, "--enable-dummy", "--disable-system",
                                   f"--unixctl={DIR}/vswitchd.ctl"], env=ENV, stderr=subprocess.DEVNULL)
        listener = socket.create_server(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        vsctl("add-br", "br0", "--", "set", "Bridge", "br0", "datapath_type=dummy", "fail_mode=secure",
              "protocols=OpenFlow13", "other_config:datapath-id=00000000000000ab",
              "other_config:hwaddr=02:00:00:00:00:ab",
              "--", "add-port", "br0", "p1", "--", "set", "Interface", "p1", "type=dummy", "ofport_request=1",
              "--", "add-port", "br0", "p2", "--", "set", "Interface", "p2", "type=dummy", "ofport_request=2",
              "--", "set-controller", "br0", f"tcp:127.0.0.1:{port}")
        yield listener.accept()[0]
    finally:
        for child in (daemon, db):
            if child:
                child.terminate()
                child.wait()
        subprocess.run(["rm", "-r", DIR], check=True)


def receive(port, frame):
    """A frame comes in at a port."""
    run("ovs-appctl", "-t", f"{DIR}/vswitchd.ctl", "netdev-dummy/receive", port, frame)


if __name__ == "__main__":
    with switch() as sock:
        controller(Stream(sock))
    ovs_ofctl_as_encoder()
