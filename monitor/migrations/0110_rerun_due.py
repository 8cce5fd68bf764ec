from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("monitor", "0100_lookup_indexes")]

    operations = [
        migrations.AddField(
            model_name="flow",
            name="hinted_at",
            field=models.DateTimeField(help_text="a callback hinted at it; nobody waits", null=True),
        ),
        migrations.AddField(
            model_name="watchchannel",
            name="asked_at",
            field=models.DateTimeField(help_text="when Zoho was last asked to open it", null=True),
        ),
    ]
