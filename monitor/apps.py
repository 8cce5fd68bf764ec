"""Registers the product's tables, its system checks and what follows a migration with Django."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate


class MonitorConfig(AppConfig):
    name = "monitor"
    verbose_name = "Zoho automation monitor"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from monitor import checks, private_files, text_index  # noqa: F401  (registers the system checks)

        connection_created.connect(private_files.close_on_connect, dispatch_uid="private_files")
        post_migrate.connect(text_index.make_after_migrate, sender=self, dispatch_uid="text_index")
