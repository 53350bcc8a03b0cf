"""A small agent for Porthole and Amazon Bedrock AgentCore: no packages, one file.

It answers POST /invocations, as one JSON object or, when the caller accepts text/event-stream, word by word; and GET /ping, where it says
HealthyBusy while it works in the background, so that its session is not ended under it.
"""

import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = 8080
SESSION_HEADER = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"
WORKSPACE = os.environ.get("WORKSPACE", "/tmp")


class Background:
    """Counts what is still being worked on after its caller got an answer."""

    def __init__(self):
        self._lock = threading.Lock()
        self._running = 0
        self._changed = int(time.time())

    def start(self, work, *arguments):
        self._count(1)
        threading.Thread(target=self._run, args=(work, *arguments), daemon=True).start()

    def ping(self):
        with self._lock:
            # The time of the last change, not of this question: a session whose agent says "now" each time would never be idle.
            return {"status": "HealthyBusy" if self._running else "Healthy", "time_of_last_update": self._changed}

    def _run(self, work, *arguments):
        try:
            work(*arguments)
        finally:
            self._count(-1)

    def _count(self, by):
        with self._lock:
            was_busy = self._running > 0
            self._running += by
            if (self._running > 0) != was_busy:
                self._changed = int(time.time())


background = Background()


def write_report(topic, seconds):
    """Stands for a long piece of work; a shell in the same session can watch the file grow."""
    with open(os.path.join(WORKSPACE, "report.txt"), "a", encoding="utf-8", buffering=1) as report:
        for step in range(seconds):
            report.write(f"{topic}: step {step + 1}\n")
            time.sleep(1)


class Agent(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/ping":
            self.reply(200, background.ping())
        else:
            self.reply(404, {"error": "unknown path"})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/invocations":
            self.reply(404, {"error": "unknown path"})
            return
        try:
            request = json.loads(body)
            prompt = str(request["prompt"])
        except (ValueError, KeyError, TypeError):
            self.reply(400, {"error": 'send {"prompt": "..."}'})
            return
        print(f"session {self.headers.get(SESSION_HEADER)} asks: {prompt}", flush=True)
        if "background" in request:
            background.start(write_report, prompt, int(request["background"]))
        words = f"You said: {prompt}".split(" ")
        if "text/event-stream" in self.headers.get("Accept", ""):
            self.stream(words)
        else:
            self.reply(200, {"result": " ".join(words)})

    def stream(self, words):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for word in words:
            self.wfile.write(f"data: {json.dumps(word)}\n\n".encode())
            self.wfile.flush()
        self.close_connection = True

    def reply(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code="-", size="-"):
        if self.path != "/ping":
            super().log_request(code, size)


if __name__ == "__main__":
    print(f"listening on port {PORT}", flush=True)
    ThreadingHTTPServer(("0.0.0.0", PORT), Agent).serve_forever()
