"""Classes of django-configurations, whose values read the environment when one of them is set up."""

from configurations import Configuration, values


class Base(Configuration):
    SECRET_KEY = values.SecretValue()
    DEBUG = False
    ALLOWED_HOSTS = values.ListValue([])
    ROOT_URLCONF = "mysite.urls"
    INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "corsheaders"]
    MIDDLEWARE = ["corsheaders.middleware.CorsMiddleware", "django.middleware.csrf.CsrfViewMiddleware"]
    CORS_ALLOWED_ORIGINS = values.ListValue([])


class Production(Base):
    USE_X_FORWARDED_HOST = True

    @property
    def CSRF_TRUSTED_ORIGINS(self):
        return [f"https://{host}" for host in self.ALLOWED_HOSTS if not host.startswith(".")]
