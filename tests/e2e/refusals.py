"""Filters of Envoy's own that answer by themselves."""

import proxy

KEYS = '{"keys": [{"kty": "oct", "alg": "HS256", "k": "c2VjcmV0"}]}'


def forbid(name, prefix):
    """403 for what is under a prefix."""
    under = {"permissions": [{"url_path": {"path": {"prefix": prefix}}}], "principals": [{"any": True}]}
    return proxy.http_filter(name, "rbac.v3.RBAC", rules={"action": "DENY", "policies": {"all": under}})


def need_token(name, prefix):
    """401 for what is under a prefix and has no token."""
    return proxy.http_filter(
        name,
        "jwt_authn.v3.JwtAuthentication",
        providers={"shop": {"issuer": "shop", "local_jwks": {"inline_string": KEYS}}},
        rules=[{"match": {"prefix": prefix}, "requires": {"provider_name": "shop"}}],
    )


def limit(name):
    """429 for all but one request an hour, on the routes that enable it."""
    return proxy.http_filter(
        name,
        "local_ratelimit.v3.LocalRateLimit",
        disabled=True,
        stat_prefix="limited",
        token_bucket={"max_tokens": 1, "fill_interval": "3600s"},
        **{it: {"default_value": {"numerator": 100}} for it in ("filter_enabled", "filter_enforced")},
    )
