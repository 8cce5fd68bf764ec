from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("monitor", "0100_lookup_indexes")]

    operations = [
        migrations.AddField("workflowrule", "usage_tries", models.PositiveSmallIntegerField(default=0, help_text="failed readings of it in a row")),
        migrations.AddField("workflowrule", "usage_retry_at", models.DateTimeField(null=True, help_text="after a failed reading: not again before")),
        migrations.AddField("workflowrule", "usage_problem", models.CharField(blank=True, default="", max_length=300, help_text="what keeps it from being read"), preserve_default=False),
        migrations.AddField("flow", "tried_counters", models.CharField(blank=True, default="", max_length=80, help_text="Zoho's counters when it could not be read: not again for these alone"), preserve_default=False),
    ]
