#!/usr/bin/python3
"""Writes texts.golden: what Open vSwitch's ovs-ofctl (3.1, Debian's package) makes of the texts in
texts.txt.

Each text is given to ovs-ofctl with the command that its first column names, over TCP to a peer that
this script plays: it says hello, features and barriers, and keeps what comes. One text a line: the
command, the message that ovs-ofctl sent (hex) or "refused" where it sent none, the text; with tabs
between. Run it by hand when a text is added; the tests read only its output.
"""

import socket
import struct
import subprocess
import sys

COMMANDS = {
    "add": ["add-flow"],
    "mod": ["mod-flows"],
    "mod_strict": ["--strict", "mod-flows"],
    "del": ["del-flows"],
    "del_strict": ["--strict", "del-flows"],
    "group": ["add-group"],
    "mod_group": ["mod-group"],
    "del_group": ["del-groups"],
    "meter": ["add-meter"],
    "mod_meter": ["mod-meter"],
    "del_meter": ["del-meter"],
}
KEPT = (14, 15, 29)  # flow-mod, group-mod, meter-mod


def frames(conn):
    buf = b""
    while True:
        while len(buf) >= 8 and len(buf) >= struct.unpack_from("!H", buf, 2)[0]:
            n = struct.unpack_from("!H", buf, 2)[0]
            yield buf[:n]
            buf = buf[n:]
        more = conn.recv(65536)
        if not more:
            return
        buf += more


def serve(conn):
    """The message that the peer is to keep, if it sends one."""
    kept = None
    conn.sendall(struct.pack("!BBHI", 4, 0, 8, 1))
    for msg in frames(conn):
        kind, xid = msg[1], msg[4:8]
        if kind in KEPT:
            kept = msg
        elif kind == 2:
            conn.sendall(bytes([4, 3]) + msg[2:])
        elif kind == 5:
            conn.sendall(b"\4\6\0\x20" + xid + bytes(24))
        elif kind == 20:
            conn.sendall(b"\4\x15\0\x08" + xid)
    return kept


def verdict(listener, command, text):
    switch = "tcp:127.0.0.1:%d" % listener.getsockname()[1]
    args = ["ovs-ofctl", "--no-names", "-O", "OpenFlow13", *COMMANDS[command], switch]
    done = subprocess.Popen(args + ([text] if text else []), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # A text is read before the switch is called: what ends without a call was refused.
    while True:
        try:
            conn, _ = listener.accept()
        except socket.timeout:
            if done.poll() is not None:
                return None
            continue
        with conn:
            kept = serve(conn)
        done.wait()
        return kept


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)
    for line in open(sys.argv[1], encoding="utf-8"):
        line = line.rstrip("\n")
        if not line or line.startswith("#"):
            continue
        command, _, text = line.partition("\t")
        message = verdict(listener, command, text)
        print(command, message.hex() if message else "refused", text, sep="\t")


main()
