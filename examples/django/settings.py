"""The settings of a project with one page."""

from unified_logger import init_logging

init_logging()

SECRET_KEY = "of an example"
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
ROOT_URLCONF = "urls"
MIDDLEWARE = ["unified_logger.integrations.django.Middleware", "django.middleware.common.CommonMiddleware"]
