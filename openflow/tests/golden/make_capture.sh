#!/usr/bin/env bash
# Captures a live Open vSwitch with ovs-testcontroller (both of Debian 12), in a network namespace of its own:
#   unshare --net --mount ./make_capture.sh
# writes ovs_session.pcap (pings through a learning switch), the same as pcapng, and what tshark reads in it: ovs_session.types.
set -eu
[ "$(ip -o link | wc -l)" = 1 ] || { echo "run it as: unshare --net --mount $0" >&2; exit 1; }
mkdir -p /run/netns && mount -t tmpfs none /run/netns
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
export OVS_RUNDIR=$dir OVS_DBDIR=$dir OVS_LOGDIR=$dir
pids=()
trap 'kill "${pids[@]}" 2>/dev/null; wait; rm -rf "$dir"' EXIT
ip link set lo up

# Waits until a command succeeds.
until_ok() {
    for _ in $(seq 200); do "$@" >"$dir/out" 2>&1 && return 0; read -rt 0.05 <> <(:) || :; done
    echo "in vain: $*" >&2; cat "$dir/out" >&2; exit 1
}

ovsdb-tool create "$dir/conf.db" /usr/share/openvswitch/vswitch.ovsschema
ovsdb-server "$dir/conf.db" --remote="punix:$dir/db.sock" --no-chdir 2>"$dir/ovsdb.log" & pids+=($!)
until_ok ovs-vsctl --db="unix:$dir/db.sock" --no-wait init
ovs-vswitchd "unix:$dir/db.sock" --no-chdir 2>"$dir/vswitchd.log" & pids+=($!)
tcpdump -i lo -w "$dir/session.pcap" -U --immediate-mode 'tcp port 6653' 2>"$dir/tcpdump.log" & pids+=($!)
tcpdump=$!
until_ok grep -q 'listening on' "$dir/tcpdump.log"
for host in h1 h2; do
    ip netns add "$host"
    ip link add "$host" type veth peer name eth0 netns "$host"
    ip link set "$host" up
    ip -n "$host" link set eth0 address "00:00:00:00:00:0${host#h}"
    ip -n "$host" addr add "10.0.0.${host#h}/24" dev eth0
    ip -n "$host" link set eth0 up
done
trap 'kill "${pids[@]}" 2>/dev/null; wait; ip netns del h1; ip netns del h2; rm -rf "$dir"' EXIT
ovs-testcontroller --no-chdir ptcp:6653 -O OpenFlow13 2>"$dir/controller.log" & pids+=($!)
ovs-vsctl --db="unix:$dir/db.sock" add-br s1 -- set bridge s1 datapath_type=netdev protocols=OpenFlow13 fail_mode=secure \
    other_config:datapath-id=0000000000000001 -- add-port s1 h1 -- add-port s1 h2 -- set-controller s1 tcp:127.0.0.1:6653
until_ok ip netns exec h1 ping -c 2 -i 0.2 -W 1 10.0.0.2
ip link set h2 down
until_ok sh -c "ovs-ofctl -O OpenFlow13 --no-names show '$dir/s1.mgmt' | grep -q LINK_DOWN"
kill -INT "$tcpdump"
wait "$tcpdump" || :
cp "$dir/session.pcap" "$here/ovs_session.pcap"
tshark -r "$here/ovs_session.pcap" -F pcapng -w "$here/ovs_session.pcapng" 2>/dev/null
# The field comes once a message; a segment's are separated by commas.
tshark -r "$here/ovs_session.pcap" -d tcp.port==6653,openflow -T fields -e tcp.srcport -e openflow_v4.type 2>/dev/null |
    awk -F '\t' '$2 != "" { n = split($2, types, ","); for (i = 1; i <= n; i++) print ($1 == 6653 ? "controller" : "switch"), types[i] }' \
    >"$here/ovs_session.types"
