"""Answers each TCP connection with a word and who asks: answer.py PORT WORD"""
import socketserver
import sys


class Answer(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(f"{sys.argv[2]} to {self.client_address[0]}\n".encode())


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


Server(("", int(sys.argv[1])), Answer).serve_forever()
