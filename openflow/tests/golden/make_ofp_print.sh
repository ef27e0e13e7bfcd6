#!/bin/sh
# Prints ofp_print.txt: what Open vSwitch reads in each golden message. Before each print stands a line
# with "== " and the message's name.
cat os_ken.hex ovs.hex ovs_extensions.hex | while read -r name hex; do
    echo "== $name"
    ovs-ofctl ofp-print "$hex" 2>/dev/null
done
