"""The demo shop. It answers no preflight; and it checks no origin and no host, which Origin Gate in front of it does,
unless the environment lists some. Origin Gate reads the same variables with `django_env`.
"""

import os
from pathlib import Path

import dj_database_url

BASE_DIR = Path(__file__).resolve().parent.parent


def listed(name, default=()):
    """`a,b` or `a b`."""
    return os.environ[name].replace(",", " ").split() if name in os.environ else list(default)


SECRET_KEY = os.environ.get("SECRET_KEY", "a demo has no secrets")
DEBUG = os.environ.get("DEBUG", "").strip().lower() in ("1", "true", "yes", "on")
ALLOWED_HOSTS = listed("ALLOWED_HOSTS", ["*"])
# Of these alone the chat takes handshakes, or of any host above.
CORS_ALLOWED_ORIGINS = listed("CORS_ALLOWED_ORIGINS")
# Of these and the shop's own host alone it takes forms. Everything of REST framework's is exempt, as its views are.
CSRF_TRUSTED_ORIGINS = listed("CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "rest_framework",
    "rest_framework.authtoken",
    "channels",
    "shop",
]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
if "ALLOWED_HOSTS" in os.environ:
    MIDDLEWARE.insert(0, "django.middleware.common.CommonMiddleware")
if CSRF_TRUSTED_ORIGINS:
    MIDDLEWARE.append("django.middleware.csrf.CsrfViewMiddleware")
ROOT_URLCONF = "shop.urls"
ASGI_APPLICATION = "shop.asgi.application"

# Sessions are kept there: `DATABASE_URL=postgresql://user:password@host/name`, or SQLite.
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("SHOP_DATABASE", BASE_DIR / "shop.sqlite3"),
    }
}
if url := os.environ.get("DATABASE_URL"):
    DATABASES["default"] = dj_database_url.parse(url)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True

# What is said in a room reaches those who are in it through another process only over Redis.
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
if url := os.environ.get("REDIS_URL"):
    CHANNEL_LAYERS["default"] = {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [url]}}

# The shop's pages are on other sites than its API, and browsers send such cookies only if they are marked so.
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "None"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {"shop": {"handlers": ["console"], "level": "INFO"}},
}
