#!/usr/bin/python3
"""Writes os_ken_errors.hex: every error of OpenFlow 1.3 that Debian's python3-os-ken has a name for, as it encodes it.

One message a line: the name of the code, a blank, the bytes in hex.
"""

from os_ken.ofproto import ofproto_v1_3 as ofp
from os_ken.ofproto import ofproto_v1_3_parser as p
from os_ken.ofproto.ofproto_protocol import ProtocolDesc

DP = ProtocolDesc(version=ofp.OFP_VERSION)

# The codes of each type begin alike.
PREFIXES = {
    "OFPET_HELLO_FAILED": "OFPHFC_", "OFPET_BAD_REQUEST": "OFPBRC_", "OFPET_BAD_ACTION": "OFPBAC_",
    "OFPET_BAD_INSTRUCTION": "OFPBIC_", "OFPET_BAD_MATCH": "OFPBMC_", "OFPET_FLOW_MOD_FAILED": "OFPFMFC_",
    "OFPET_GROUP_MOD_FAILED": "OFPGMFC_", "OFPET_PORT_MOD_FAILED": "OFPPMFC_", "OFPET_TABLE_MOD_FAILED": "OFPTMFC_",
    "OFPET_QUEUE_OP_FAILED": "OFPQOFC_", "OFPET_SWITCH_CONFIG_FAILED": "OFPSCFC_",
    "OFPET_ROLE_REQUEST_FAILED": "OFPRRFC_", "OFPET_METER_MOD_FAILED": "OFPMMFC_",
    "OFPET_TABLE_FEATURES_FAILED": "OFPTFFC_",
}

for kind, prefix in PREFIXES.items():
    codes = sorted((getattr(ofp, name), name) for name in dir(ofp) if name.startswith(prefix))
    for code, name in codes:
        msg = p.OFPErrorMsg(DP, type_=getattr(ofp, kind), code=code, data=b"\x04\x14\x00\x08\x00\x00\x00\x07")
        msg.xid = 7
        msg.serialize()
        print(name, bytes(msg.buf).hex())
