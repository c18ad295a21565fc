"""Modules to be fetched."""

import hashlib
import http.server
import threading


class Store:
    """Modules by HTTP, each under its digest: the same code with a section of its own, so that Envoy has to fetch it."""

    def __init__(self, module):
        self.module, self.files = module.read_bytes(), {}
        files = self.files

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("content-length", str(len(files[self.path])))
                self.end_headers()
                self.wfile.write(files[self.path])

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def another(self):
        """The code of a module that nobody has fetched."""
        name = f"copy{len(self.files)}".encode()
        section = bytes([len(name)]) + name
        data = self.module + bytes([0, len(section)]) + section
        digest = hashlib.sha256(data).hexdigest()
        self.files[f"/{digest}"] = data
        uri = {"uri": f"http://127.0.0.1:{self.port}/{digest}", "cluster": "store", "timeout": "10s"}
        return {"remote": {"http_uri": uri, "sha256": digest}}
