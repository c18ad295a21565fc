"""What Traefik 3 documents of its middleware `headers`, played: https://doc.traefik.io/traefik/middlewares/http/headers/

Traefik itself is in no package that the tests could install.
"""

import re

import peers


class Traefik:
    """A router with the middleware, in front of a backend."""

    def __init__(self, options, port):
        self.options, self.port = options, port

    def allows(self, origin):
        if origin in self.options["accessControlAllowOriginList"]:
            return True
        return any(re.search(it, origin) for it in self.options["accessControlAllowOriginListRegex"])

    def ask(self, method="GET", path="/", headers=(), **more):
        sent = {name.lower(): value for name, value in headers}
        origin = sent.get("origin", "")
        own = self.own(origin)
        if method == "OPTIONS" and origin and "access-control-request-method" in sent:
            # `*` beside credentials reflects what is asked for.
            own["access-control-allow-methods"] = ",".join(self.options["accessControlAllowMethods"])
            own["access-control-allow-headers"] = sent.get("access-control-request-headers", "")
            own["access-control-max-age"] = str(self.options["accessControlMaxAge"])
            return peers.Answer(200, list(own.items()))
        answer = peers.ask(peers.Http1, self.port, method, path, headers, **more)
        kept = [(name, value) for name, value in answer.headers if name not in own]
        return peers.Answer(answer.status, [*kept, *own.items()], answer.body)

    def own(self, origin):
        """Whichever the status. Neither `Vary`, without `addVaryHeader`, nor an end to what the backend says itself."""
        allowed = {"access-control-allow-origin": origin} if self.allows(origin) else {}
        return {**allowed, "access-control-allow-credentials": "true"}
