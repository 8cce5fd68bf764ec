"""Sets Django up. Values come from the environment through `dashboard.environment`; see docs/settings.md."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import NONCE, NONE, SELF

from dashboard import environment as env
from monitor import languages

BASE_DIR = Path(__file__).resolve().parent.parent

env.refuse_misspelt()
DEBUG = env.boolean("DEBUG")
DEMO = env.boolean("DEMO")
# Addresses that people give lead to public hosts; to this machine only where its own stand-in of Zoho runs.
ALLOW_LOOPBACK = DEMO or env.boolean("ALLOW_LOOPBACK")
# Channels beside mail lead to public hosts and to these.
CHANNEL_PRIVATE_HOSTS = env.private_hosts()
SECRET_KEY = env.secret_key(debug=DEBUG)
ENCRYPTION_KEYS = env.encryption_keys(debug=DEBUG)
PUBLIC_URL = env.public_url(debug=DEBUG)
ALLOWED_HOSTS = env.hosts([urlsplit(PUBLIC_URL).hostname or "", "localhost", "127.0.0.1"])
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

INSTALLED_APPS = [
    "dashboard.apps.DashboardConfig",
    "monitor.apps.MonitorConfig",
    "standin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_q",
    "django_htmx",
    "template_partials",
    "csp",
    "lucide",
    "allauth",
    "allauth.account",
]

MIDDLEWARE = [
    "dashboard.middleware.OriginMiddleware",
    "dashboard.middleware.LanguageMiddleware",
    "dashboard.middleware.RedirectMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "dashboard.middleware.ProbeMiddleware",
    "dashboard.middleware.RememberingMiddleware",
    "dashboard.middleware.StatusPageMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "dashboard.middleware.RefusalMiddleware",
    "dashboard.middleware.SignInRequiredMiddleware",
    "dashboard.middleware.PersonalMiddleware",
    "dashboard.middleware.CostMiddleware",
]

ROOT_URLCONF = "dashboard.urls"
WSGI_APPLICATION = "dashboard.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "dashboard.context.page",
            ],
            "builtins": ["dashboard.templatetags.words_tags"],
        },
    },
]

FORM_RENDERER = "dashboard.widgets.LeanRenderer"

DATABASES = {"default": env.database(BASE_DIR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Shared by all processes: limits must not be counted per process.
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "django_cache"},
    # django-q2 writes its statistics to a cache twice a second; nobody reads them (monitor.supervisor has its own).
    "queue": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"},
}
REMEMBER_SECONDS = 3.0  # what is the same for everybody is asked for once in so long (dashboard.remembered)

AUTH_USER_MODEL = "monitor.User"
AUTHENTICATION_BACKENDS = ["dashboard.people.backends.PersonBackend"]
SESSION_ENGINE = "dashboard.people.sessions"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "dashboard.people.sign_in.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_RATE_LIMITS = False  # monitor.sign_in limits how often a password is looked at
ACCOUNT_FORMS = {"change_password": "dashboard.people.forms.OwnPasswordForm"}

# Whoever speaks to people says in which language (dashboard.middleware); all else is English.
LANGUAGE_CODE = languages.SOURCE
LANGUAGES = languages.LANGUAGES
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["dashboard.written"]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"
# The demo collects its own at each start: what an installation has collected is not touched.
STATIC_ROOT = BASE_DIR / ("var/static" if DEMO else "staticfiles")
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "dashboard.staticfiles.PlotlyFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "dashboard.staticfiles.ForgivingManifestStorage"},
}
WHITENOISE_USE_FINDERS = True  # pages work before collectstatic has run
WHITENOISE_KEEP_ONLY_HASHED_FILES = True  # nothing names the others, and plotly.js takes ten seconds to compress

DEFAULT_FROM_EMAIL = env.sender()
SERVER_EMAIL = DEFAULT_FROM_EMAIL
EMAIL_TIMEOUT = 20  # Django's default is to wait for ever
globals().update(env.email(debug=DEBUG))

# How many seconds the first mail of an incident waits for more alerts of the same cause.
ALERT_GROUP_WAIT = env.group_wait()

# How many days payloads, rows, and counts by the hour and by the day are kept.
RETENTION = env.retention()

# Sources: docs/reference/promises.md, "The queue"; why django-q2: docs/decisions/0001-queue.md.
Q_CLUSTER = {
    "name": "monitor",
    "orm": "default",
    "workers": 2,
    "queue_limit": 2,
    "bulk": 1,
    "timeout": 60,
    "retry": 150,
    "ack_failures": True,
    "max_attempts": 1,
    "catch_up": False,
    "save_limit": 0,
    "recycle": 500,
    "poll": 0.5,
    "guard_cycle": 0.5,
    "max_rss": 300_000,
    "scheduler": False,
    "cache": "queue",
    "label": "Queue",
}

_secure = PUBLIC_URL.startswith("https://")
SECURE_SSL_REDIRECT = _secure
SECURE_REDIRECT_EXEMPT = [r"^healthz/"]  # probes come over plain HTTP, from inside
SECURE_HSTS_SECONDS = 31_536_000 if _secure else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _secure
SECURE_HSTS_PRELOAD = _secure
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _secure
SESSION_COOKIE_NAME = "__Host-session" if _secure else "monitor_session"
BROWSER_COOKIE_NAME = "__Host-browser" if _secure else "monitor_browser"
CSRF_COOKIE_NAME = "__Host-csrf" if _secure else "monitor_csrf"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
if env.boolean("TRUST_PROXY"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# Whose X-Forwarded-For is believed, by `dashboard.client_address` alone.
TRUSTED_PROXIES = env.trusted_proxies()

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF, "https:"] if _secure else [SELF, "https:", "http://127.0.0.1:*", "http://localhost:*"],
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "dashboard.logs.LineFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.log_level()},
    "loggers": {
        # Django's own handlers write tracebacks past our formatter.
        "django": {"handlers": [], "level": "INFO"},
        # These two log whole addresses, query strings included, at INFO.
        "httpx": {"level": "WARNING"},
        "httpcore": {"level": "WARNING"},
        "django.server": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        # Otherwise django-q2 adds a handler of its own.
        "django-q": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
    },
}
