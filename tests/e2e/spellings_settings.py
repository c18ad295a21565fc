"""The settings of `spellings_urls`."""

ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["rest_framework"]
SECRET_KEY = "a test's"
ROOT_URLCONF = "spellings_urls"
REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": [], "UNAUTHENTICATED_USER": None}
