from django.db import migrations

# Rows of connections are masked since they are stored so; one that is gone is never stored again, and nothing reads it.
EMPTY = "UPDATE monitor_connection SET raw = '{}' WHERE gone_at IS NOT NULL"


class Migration(migrations.Migration):
    dependencies = [("monitor", "0115_flow_asked_at")]

    operations = [migrations.RunSQL(EMPTY, migrations.RunSQL.noop)]
