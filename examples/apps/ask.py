"""Connects some times, and prints each answer once: ask.py ADDRESS PORT TIMES"""
import socket
import sys
import time

address, port, times = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
answers, patience = set(), time.monotonic() + 20
while times:
    try:
        with socket.create_connection((address, port), timeout=5) as asked:
            answers.add(asked.makefile().readline().strip())
            times -= 1
    except OSError:
        # Who is to answer may not be ready yet.
        if time.monotonic() > patience:
            raise
        time.sleep(0.05)
print(*sorted(answers), sep="\n")
