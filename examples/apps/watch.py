"""Waits for a packet of IPv4 from one address to another that comes in by any interface: watch.py FROM TO"""
import socket
import sys

ETH_P_IP = 0x0800
watcher = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
watcher.settimeout(20)
wanted = sys.argv[1:3]
while True:
    packet = watcher.recv(2048)
    if [socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])] == wanted:
        print("seen:", *wanted)
        break
