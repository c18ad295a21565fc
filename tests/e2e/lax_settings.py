"""The shop with Django's own defaults for its session's cookie."""

from shop.settings import *  # noqa: F403

SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = False
