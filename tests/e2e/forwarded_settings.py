"""The shop as it stands behind a proxy that it believes."""

from shop.settings import *  # noqa: F403

ALLOWED_HOSTS = ["*"]
USE_X_FORWARDED_HOST = True
