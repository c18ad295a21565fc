"""As `django-admin startproject` writes it, its values from python-decouple; names of django-cors-headers before 3.5."""

import re
from pathlib import Path

from corsheaders.defaults import default_headers
from decouple import Config, Csv, RepositoryEnv

BASE_DIR = Path(__file__).resolve().parent.parent
config = Config(RepositoryEnv(BASE_DIR / "production.env"))

SECRET_KEY = config("SECRET_KEY")
DEBUG = config("DEBUG", default=False, cast=bool)
ALLOWED_HOSTS = config("ALLOWED_HOSTS", cast=Csv())
ROOT_URLCONF = "mysite.urls"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "corsheaders"]
MIDDLEWARE = ["corsheaders.middleware.CorsMiddleware", "django.middleware.common.CommonMiddleware"]
CORS_ORIGIN_WHITELIST = config("CORS_ORIGIN_WHITELIST", cast=Csv(post_process=tuple))
CORS_ORIGIN_REGEX_WHITELIST = [
    re.compile(r"^https://\w+\.preview\.example\.com$", re.IGNORECASE),
    re.compile(r"^https:// [a-z]+ \.verbose\.example $", re.VERBOSE),
    r"^https://[a-z0-9-]+\.pages\.example",
]
CORS_ALLOW_HEADERS = (*default_headers, "x-cart")
CORS_EXPOSE_HEADERS = {"x-total"}
CORS_ALLOW_CREDENTIALS = True
CORS_PREFLIGHT_MAX_AGE = 60 * 60
