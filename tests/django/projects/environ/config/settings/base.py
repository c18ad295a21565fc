"""As cookiecutter-django lays it out: a base, and production on top, under variables with a prefix."""

from pathlib import Path

import environ

BASE_DIR = Path(__file__).resolve(strict=True).parent.parent.parent
env = environ.Env()
env.read_env(str(BASE_DIR / "production.env"))

DEBUG = env.bool("DJANGO_DEBUG", False)
ROOT_URLCONF = "config.urls"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "rest_framework", "corsheaders"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]
CORS_URLS_REGEX = r"^/api/.*$"
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_HTTPONLY = True
