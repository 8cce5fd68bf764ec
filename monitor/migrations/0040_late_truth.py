from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("monitor", "0030_push"),
    ]

    operations = [
        migrations.AddField(
            model_name="execution",
            name="unlisted_at",
            field=models.DateTimeField(
                help_text="when Zoho was found to list it no longer; it stays here as history", null=True
            ),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("rerun_due_at__isnull", False)), fields=["rerun_due_at"], name="execution_rerun"
            ),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("unlisted_at__isnull", False)), fields=["flow"], name="execution_unlisted"
            ),
        ),
    ]
