#!/usr/bin/python3
"""Writes ovs_extensions.hex: what Open vSwitch (3.1, Debian's package) and its ovs-ofctl say to each other beyond
OpenFlow 1.3: bundles, flow monitors, packet-ins of the second format.

ovs-ofctl reaches the private switch of make_ovs.py over a relay that shows what it lets through. One message a line:
a name, a blank, the bytes in hex. Run it by hand when a message is added; the tests read only its output.
"""

import contextlib
import socket
import subprocess
import tempfile
import threading

from make_ovs import DIR, ENV, Stream, ofctl, receive, show, switch

ARP = "ffffffffffff0200000000010806" "0001080006040001" "0200000000010a000001" "0000000000000a000002" + "00" * 18


class Relay:
    """Between one ovs-ofctl and the switch; it waits for messages that somebody needs to have passed."""

    def __init__(self, name):
        self.name, self.passed, self.changed = name, [], threading.Condition()
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.run, daemon=True).start()

    def address(self):
        return f"tcp:127.0.0.1:{self.listener.getsockname()[1]}"

    def run(self):
        client = self.listener.accept()[0]
        bridge = socket.socket(socket.AF_UNIX)
        bridge.connect(f"{DIR}/br0.mgmt")
        threading.Thread(target=self.copy, args=(Stream(bridge), client, "switch"), daemon=True).start()
        self.copy(Stream(client), bridge, "ofctl")

    def copy(self, source, sink, who):
        while (message := source.next()) is not None:
            # Messages of experimenters, and multiparts of theirs.
            if message[1] == 4 or message[1] in (18, 19) and message[8:10] == b"\xff\xff":
                with self.changed:
                    self.passed.append((who, message))
                    self.changed.notify_all()
            sink.sendall(message)
        with contextlib.suppress(OSError):  # the other end may have gone
            sink.shutdown(socket.SHUT_WR)

    def until(self, count, who="switch"):
        with self.changed:
            enough = self.changed.wait_for(lambda: len([it for it in self.passed if it[0] == who]) >= count, 10)
            assert enough, f"{self.name}: {self.passed}"

    def show(self):
        # The two directions apart: in which order they passed is chance.
        for who in ("ofctl", "switch"):
            messages = [message for whose, message in self.passed if whose == who]
            for number, message in enumerate(messages):
                show(f"{self.name}_{who}_{number}", message)


def bundle(name, command, text):
    relay = Relay(name)
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(text)
        file.flush()
        subprocess.run(["ovs-ofctl", "-O", "OpenFlow13", "--no-names", *command, relay.address(), file.name], env=ENV, check=True)
    relay.show()


def monitored(name, watch, changes):
    relay = Relay(name)
    client = subprocess.Popen(["ovs-ofctl", "-O", "OpenFlow13", "--no-names", "-P", "nxt_packet_in2", "monitor", relay.address(),
                               "65535", *watch], env=ENV, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    came = 0
    for change, messages in changes:
        change()
        came += messages
        relay.until(came)
    client.terminate()
    client.wait()
    relay.show()


with switch():
    bundle("bundle_flows", ["--bundle", "add-flows"],
           "table=3,priority=7,tcp,tp_dst=80,actions=output:2\ndelete table=9\nadd reg0=5,actions=resubmit(,3)\n")
    bundle("bundle_mixed", ["bundle"],
           "group add group_id=5,type=all,bucket=output:1\nflow add table=4,actions=group:5\n"
           f"packet-out in_port=1 packet={ARP} actions=table\n")
    add = ["table=2,priority=9,cookie=0x77,idle_timeout=60,hard_timeout=600,ip,nw_dst=10.1.0.0/16,actions=dec_ttl,output:2"]
    monitored("monitor_all", ["watch:"], [
        (lambda: None, 1),
        (lambda: ofctl("add-flow", *add), 1),
        (lambda: ofctl("mod-flows", "table=2,ip,actions=load:5->NXM_NX_REG0[],output:1"), 1),
        (lambda: ofctl("--strict", "del-flows", "table=2,priority=9,ip,nw_dst=10.1.0.0/16"), 1),
    ])
    monitored("monitor_some", ["watch:!initial,!own,table=3,out_port=2,ip"], [
        (lambda: None, 1),
        (lambda: ofctl("add-flow", "table=3,priority=1,udp,actions=output:2"), 1),
    ])
    ofctl("add-flow", "table=0,cookie=0x1234,arp,actions=load:7->NXM_NX_REG3[],"
          "controller(reason=no_match,userdata=01.02.03,pause),output:2")
    ofctl("add-flow", "table=0,priority=40000,in_port=2,actions=set_field:0x99->metadata,controller(max_len=20),output:1")
    monitored("packet_in2", [], [
        (lambda: receive("p1", ARP), 0),
        (lambda: receive("p2", ARP), 2),
    ])
