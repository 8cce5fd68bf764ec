from datetime import UTC, timedelta
from itertools import groupby

from django.db import migrations, models
from django.utils import timezone

STEPS = [timedelta(minutes=n) for n in (5, 10, 30, 60, 180, 360, 720, 1440)]  # notes zoho-api.md, section 7
LOOK_AFTER = timedelta(minutes=1)
BATCH = 500
SUMS = (
    *("succeeded", "failed", "first_succeeded", "running", "other", "retried"),
    *("duration_count", "duration_sum_ms"),
)


def look_at_failed_runs(apps, schema_editor):
    """Failed runs that Zoho may have run again while nothing looked: each is due once, at the newest re-run."""
    Execution = apps.get_model("monitor", "Execution")
    now = timezone.now()
    young = Execution.objects.filter(
        status="failed", rerun_due_at=None, first_failed_at__gt=now - timedelta(hours=25), first_failed_at__lte=now
    )
    some = []
    for run in young.only("pk", "first_failed_at").iterator(chunk_size=BATCH):
        past = [step for step in STEPS if step + LOOK_AFTER <= now - run.first_failed_at]
        run.rerun_due_at = run.first_failed_at + max(past, default=STEPS[0])
        some.append(run)
    Execution.objects.bulk_update(some, ["rerun_due_at"], batch_size=BATCH)


def sum_up_days(apps, schema_editor):
    """Days whose hours were counted before there were counts of days; the recount mends what it finds changed."""
    HourBucket, DayBucket = apps.get_model("monitor", "HourBucket"), apps.get_model("monitor", "DayBucket")
    hours = HourBucket.objects.order_by("flow_id", "hour").iterator(chunk_size=BATCH)
    fresh = []
    for (flow, day), some in groupby(hours, key=lambda h: (h.flow_id, h.hour.astimezone(UTC).date())):
        fresh.append(summed(DayBucket(flow_id=flow, day=day), some))
        if len(fresh) >= BATCH:
            DayBucket.objects.bulk_create(fresh, ignore_conflicts=True)
            fresh.clear()
    DayBucket.objects.bulk_create(fresh, ignore_conflicts=True)


def summed(day, hours):
    for hour in hours:
        for name in SUMS:
            setattr(day, name, getattr(day, name) + getattr(hour, name))
        day.duration_max_ms = max(day.duration_max_ms, hour.duration_max_ms)
        length = max(len(day.durations), len(hour.durations))
        both = ([*bins, *[0] * (length - len(bins))] for bins in (day.durations, hour.durations))
        day.durations = [sum(pair) for pair in zip(*both, strict=True)]
        for name, count in hour.errors.items():
            day.errors[name] = day.errors.get(name, 0) + count
    return day


class Migration(migrations.Migration):
    dependencies = [("monitor", "0105_usage_put_off")]

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
        migrations.RunPython(look_at_failed_runs, migrations.RunPython.noop),
        migrations.RunPython(sum_up_days, migrations.RunPython.noop),
    ]
