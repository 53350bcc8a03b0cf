namespace Porthole.EndToEnd.Tests.Harness;

/// <summary>An agent with a WebSocket that sends every frame back as it came, and obeys a few words.</summary>
internal static class SocketAgent
{
    public const string Source =
        """"
        import base64, hashlib, http.server, json, struct

        class Agent(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *words):
                pass

            def do_GET(self):
                if self.path == "/ping":
                    body = b'{"status": "Healthy"}'
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                elif self.headers.get("X-Amzn-Bedrock-AgentCore-Runtime-Custom-Refuse"):
                    self.send_error(403)
                else:
                    self.talk()

            def exactly(self, count):
                data = self.rfile.read(count)
                if len(data) < count:
                    raise ConnectionError
                return data

            def frame(self, first, payload):
                size = len(payload)
                head = bytes([first, size]) if size < 126 else struct.pack("!BBH", first, 126, size) if size < 65536 else struct.pack("!BBQ", first, 127, size)
                self.wfile.write(head + payload)

            def talk(self):
                key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
                self.send_response(101)
                self.send_header("Upgrade", "websocket")
                self.send_header("Connection", "Upgrade")
                self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
                self.end_headers()
                self.close_connection = True
                try:
                    self.echo()
                except ConnectionError:
                    pass
                print("the socket ended")

            def echo(self):
                while True:
                    first, second = self.exactly(2)
                    size = second & 127
                    if size == 126:
                        size, = struct.unpack("!H", self.exactly(2))
                    elif size == 127:
                        size, = struct.unpack("!Q", self.exactly(8))
                    mask = self.exactly(4)
                    payload = bytes(byte ^ mask[at & 3] for at, byte in enumerate(self.exactly(size)))
                    if first & 15 == 8:
                        print("closed with", struct.unpack("!H", payload[:2])[0] if payload else "nothing")
                        self.frame(first, payload)
                        return
                    if first & 15 == 9:
                        self.frame(0x8A, payload)
                    elif payload == b"headers":
                        self.frame(0x81, json.dumps([[name.lower(), value] for name, value in self.headers.items()]).encode())
                    elif payload == b"close":
                        self.frame(0x88, struct.pack("!H", 4001) + b"enough")
                    elif payload == b"drop":
                        return
                    elif payload == b"flood":
                        while True:
                            self.frame(0x82, bytes(50000))
                    elif first & 15 != 10:
                        self.frame(first, payload)

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

        Server(("0.0.0.0", 8080), Agent).serve_forever()
        """";
}
