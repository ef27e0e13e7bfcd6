#!/bin/sh
# Frames as `ovs-ofctl compose-packet` of Open vSwitch makes them: fields, payload and frame, a line each.
#     openflow/tests/golden/make_composed.sh > openflow/tests/golden/composed.txt
set -eu
ethernet=dl_src=00:00:00:00:00:01,dl_dst=00:00:00:00:00:02
v4=nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_ttl=64
v6=ipv6_src=fd00::1,ipv6_dst=fd00::2,nw_ttl=64
nd=ipv6_src=fd00::1,ipv6_dst=fd00::2,nw_ttl=255
while read -r payload fields; do
    fields=$(echo "$ethernet,$fields" | sed "s/V4/$v4/; s/V6/$v6/; s/ND/$nd/")
    # Where there is no payload Open vSwitch leaves out what it is given: behind a SYN, an ICMP error.
    # It fails, with the frame printed, where it takes the fields that it reads back for others.
    frame=$(ovs-ofctl compose-packet "$fields" "${payload#-}" 2>/dev/null) || true
    echo "$fields $payload $(echo "$frame" | sed 's/^[0-9a-f]*  //; s/[- ]//g' | tr -d '\n')"
done <<LIST
- tcp,V4,tp_src=1234,tp_dst=80,tcp_flags=2
0001020304050607 tcp,V4,nw_tos=184,nw_ecn=1,tp_src=1,tp_dst=65535,tcp_flags=0x018
000102 udp,V4,udp_src=5353,udp_dst=53
ff udp,V4
0001020304050607 icmp,V4,icmp_type=8
- icmp,V4,icmp_type=3,icmp_code=1
- ip,V4,nw_proto=47
000102 udp,V4,nw_frag=first
- ip,V4,nw_proto=17,nw_frag=later
- arp,arp_op=1,arp_spa=10.0.0.1,arp_tpa=10.0.0.2,arp_sha=00:00:00:00:00:01
- arp,arp_op=2,arp_spa=10.0.0.1,arp_tpa=10.0.0.2,arp_sha=00:00:00:00:00:01,arp_tha=00:00:00:00:00:02,dl_vlan=7
- rarp,arp_op=3
0001020304050607 tcp6,V6,tp_src=1234,tp_dst=443,ipv6_label=0x12345
00010203040506 udp6,V6,udp_src=68,udp_dst=67,nw_tos=8
0001020304050607 icmp6,V6,icmpv6_type=128,icmpv6_code=0
- icmp6,ND,icmpv6_type=135,icmpv6_code=0,nd_target=fd00::2,nd_sll=00:00:00:00:00:01
- icmp6,ND,icmpv6_type=136,icmpv6_code=0,nd_target=fd00::2,nd_tll=00:00:00:00:00:02
- ipv6,V6,nw_proto=89
000102 udp,V4,udp_dst=53,dl_vlan=5,dl_vlan_pcp=3
000102 udp,V4,udp_dst=53,dl_vlan_pcp=3
- mpls,mpls_label=100,mpls_tc=3,mpls_ttl=64,mpls_bos=1
- dl_type=0x88b5
LIST
