from django.db import migrations, models
from django.db.models.deletion import CASCADE


def count_again(apps, schema_editor):
    """Every hour that was counted before is counted anew: for its errors by class, and for its day."""
    schema_editor.execute(
        "INSERT INTO monitor_dirtyhour (flow_id, hour, marks) SELECT flow_id, hour, 1 FROM monitor_hourbucket "
        "WHERE true ON CONFLICT DO NOTHING"
    )


class Migration(migrations.Migration):
    dependencies = [("monitor", "0060_backfill")]

    operations = [
        migrations.RemoveConstraint(model_name="dirtyhour", name="one_row_per_dirty_hour"),
        migrations.AlterField(
            model_name="dirtyhour",
            name="flow",
            field=models.ForeignKey(db_index=False, on_delete=CASCADE, related_name="+", to="monitor.flow"),
        ),
        migrations.AddConstraint(
            model_name="dirtyhour",
            constraint=models.UniqueConstraint(fields=("hour", "flow"), name="one_row_per_dirty_hour"),
        ),
        migrations.AlterField(
            model_name="hourbucket",
            name="flow",
            field=models.ForeignKey(db_index=False, on_delete=CASCADE, related_name="hours", to="monitor.flow"),
        ),
        migrations.AlterField(
            model_name="daybucket",
            name="flow",
            field=models.ForeignKey(db_index=False, on_delete=CASCADE, related_name="days", to="monitor.flow"),
        ),
        migrations.RunPython(count_again, migrations.RunPython.noop),
    ]
