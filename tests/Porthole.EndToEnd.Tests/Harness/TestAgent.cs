namespace Porthole.EndToEnd.Tests.Harness;

/// <summary>An agent of the standard library's own HTTP server, which does as each invocation's body says.</summary>
internal static class TestAgent
{
    public const string Source =
        """"
        import hashlib, http.server, json, os, sys, threading, time

        state = {"status": "Healthy", "moves": False, "pings": 0}

        class Agent(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *words):
                pass

            def answer(self, status, body, type="application/json"):
                body = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                state["pings"] += 1
                now = time.time() if state["moves"] else 0
                self.answer(200, {"status": state["status"], "time_of_last_update": now})

            def chunk(self, data):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

            def read(self):
                if "chunked" in self.headers.get("Transfer-Encoding", ""):
                    while size := int(self.rfile.readline(), 16):
                        yield self.rfile.read(size)
                        self.rfile.readline()
                    self.rfile.readline()
                else:
                    left = int(self.headers.get("Content-Length", 0))
                    while left:
                        data = self.rfile.read(min(left, 65536))
                        if not data:
                            raise ConnectionError("the body is not whole")
                        left -= len(data)
                        yield data

            def do_POST(self):
                kind = self.headers.get("X-Amzn-Bedrock-AgentCore-Runtime-Custom-Kind", "echo")
                print("asked for", kind)
                if kind == "hash":
                    digest, size = hashlib.sha256(), 0
                    for data in self.read():
                        digest.update(data)
                        size += len(data)
                    self.answer(200, {"sha256": digest.hexdigest(), "bytes": size})
                    return
                body = b"".join(self.read())
                if kind == "echo":
                    self.answer(200, body, self.headers.get("Content-Type", "application/octet-stream"))
                elif kind == "headers":
                    self.answer(200, [[name.lower(), value] for name, value in self.headers.items()])
                elif kind == "environment":
                    self.answer(200, dict(os.environ, cwd=os.getcwd()))
                elif kind == "status":
                    self.answer(int(body), {"secret": "of the container"})
                elif kind == "busy":
                    state["status"] = body.decode()
                    self.answer(200, {})
                elif kind == "moves":
                    state["moves"] = True
                    self.answer(200, {})
                elif kind == "exit":
                    os._exit(int(body))
                elif kind == "events":
                    self.send_response(200)
                    self.send_header("Content-Type", "text/event-stream")
                    self.send_header("Transfer-Encoding", "chunked")
                    self.end_headers()
                    for number in range(int(body)):
                        self.chunk(b"data: %d\n\n" % number)
                        while not os.path.exists("/tmp/go-%d" % number):
                            time.sleep(0.01)
                    self.chunk(b"")
                elif kind == "zeros":
                    self.send_response(200)
                    self.send_header("Content-Type", "application/octet-stream")
                    self.send_header("Content-Length", body.decode())
                    self.end_headers()
                    for _ in range(int(body) // 65536):
                        self.wfile.write(bytes(65536))
                elif kind == "cut":
                    self.send_response(200)
                    self.send_header("Content-Length", "1000000")
                    self.end_headers()
                    self.wfile.write(bytes(1000))
                    self.close_connection = True
                elif kind == "garbage":
                    self.wfile.write(b"this is no HTTP\n" * 3)
                    self.close_connection = True
                elif kind == "hang":
                    self.connection.settimeout(None)
                    print("hanging")
                    print("hung up" if self.connection.recv(1) == b"" else "more came")
                    self.close_connection = True
                elif kind == "print":
                    sys.stdout.write(body.decode())
                    sys.stderr.write("an error too\n")
                    self.answer(200, {})
                else:
                    self.answer(400, {})

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

        print("starting as", os.getpid())
        Server(("0.0.0.0", int(os.environ.get("AGENT_PORT", 8080))), Agent).serve_forever()
        """";
}
