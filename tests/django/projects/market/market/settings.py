"""A market behind Traefik: hosts written out, Channels' validator by hosts, and an API without Django's check of writes."""

SECRET_KEY = "only here"
DEBUG = False
ALLOWED_HOSTS = ["market.example", "www.market.example", "backend.market.example"]
ROOT_URLCONF = "market.urls"
ASGI_APPLICATION = "market.asgi.application"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "rest_framework", "channels", "corsheaders"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.common.CommonMiddleware",
    "market.middleware.CsrfExemptApiMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]
CORS_ALLOWED_ORIGINS = ["https://market.example", "https://www.market.example", "https://partner.example"]
CORS_ALLOW_CREDENTIALS = True
CSRF_TRUSTED_ORIGINS = ["https://market.example", "https://*.market.example"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
