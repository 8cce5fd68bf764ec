#!/usr/bin/env python
"""Django's command line for this project."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    if sys.argv[1:2] == ["demo"]:
        from standin.demo import settings

        settings.prepare(sys.argv[2:])  # it brings its own settings and must not see yours
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    # Commands may be written with hyphens: `audit-rules` is `audit_rules`.
    argv = [*sys.argv[:1], *(name.replace("-", "_") for name in sys.argv[1:2] if name[:1] != "-")]
    try:
        execute_from_command_line([*argv, *sys.argv[len(argv) :]])
    except ImproperlyConfigured as error:
        # A wrong setting is the operator's to mend: one line, not a traceback.
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
