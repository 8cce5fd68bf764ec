from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("monitor", "0080_budget_per_product")]

    operations = [
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(fields=["-started_time", "-id"], name="execution_newest"),
        ),
    ]
