from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("monitor", "0110_rerun_due")]

    operations = [
        migrations.AddField(
            model_name="flow",
            name="asked_at",
            field=models.DateTimeField(help_text="when somebody last asked for its executions, answered or not", null=True),
        ),
    ]
