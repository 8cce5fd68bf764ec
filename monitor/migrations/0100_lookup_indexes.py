from django.db import migrations, models
from django.db.models.deletion import CASCADE


def without_index(to: str, related_name: str) -> models.Field:
    return models.ForeignKey(db_index=False, on_delete=CASCADE, related_name=related_name, to=to)


class Migration(migrations.Migration):
    dependencies = [("monitor", "0090_executions_newest")]

    operations = [
        migrations.RemoveConstraint(model_name="execution", name="one_row_per_execution"),
        migrations.AlterField("apicall", "account", without_index("monitor.zohoaccount", "calls")),
        migrations.AlterField("execution", "account", without_index("monitor.zohoaccount", "executions")),
        migrations.AlterField("execution", "flow", without_index("monitor.flow", "executions")),
        migrations.AddConstraint(
            model_name="execution",
            constraint=models.UniqueConstraint(fields=["execution_id", "account"], name="one_row_per_execution"),
        ),
    ]
