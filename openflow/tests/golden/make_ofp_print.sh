#!/bin/sh
# Prints ofp_print.txt: what Open vSwitch reads in each golden message that it takes without complaint;
# writes ofp_print_flow_reply.txt.
cat os_ken.hex ovs.hex | while read -r name hex; do
    line=$(ovs-ofctl ofp-print "$hex" 2>/dev/null | head -1)
    case $line in
        *'***'* | '') ;;
        *) echo "$name $line" ;;
    esac
done
# The flow reply spans lines.
ovs-ofctl ofp-print "$(sed -n 's/^flow_reply //p' ovs.hex)" > ofp_print_flow_reply.txt
