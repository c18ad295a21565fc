"""The shop as it guards itself: its settings from the environment, as many platforms have them."""

import os

from shop.settings import *  # noqa: F403


def listed(name):
    return os.environ[name].split(",")


ALLOWED_HOSTS = listed("ALLOWED_HOSTS")
CORS_ALLOWED_ORIGINS = listed("CORS_ALLOWED_ORIGINS")
CORS_ALLOW_CREDENTIALS = os.environ["CORS_ALLOW_CREDENTIALS"] == "True"
CSRF_TRUSTED_ORIGINS = listed("CSRF_TRUSTED_ORIGINS")
INSTALLED_APPS = [*INSTALLED_APPS, "corsheaders"]  # noqa: F405
MIDDLEWARE = ["corsheaders.middleware.CorsMiddleware", *MIDDLEWARE, "django.middleware.common.CommonMiddleware"]  # noqa: F405
