"""Zoho accounts, their tokens (ciphertext only), and the ledger of calls."""

from __future__ import annotations

from django.db import models
from django.urls import reverse

from monitor.vault import EncryptedTextField


class DataCenter(models.TextChoices):
    US = "us", "United States (zoho.com)"
    EU = "eu", "Europe (zoho.eu)"
    IN = "in", "India (zoho.in)"
    AU = "au", "Australia (zoho.com.au)"
    JP = "jp", "Japan (zoho.jp)"
    CA = "ca", "Canada (zohocloud.ca)"
    CN = "cn", "China (zoho.com.cn)"
    SA = "sa", "Saudi Arabia (zoho.sa)"
    CUSTOM = "custom", "Own addresses"


class Plan(models.TextChoices):
    """Limits per plan: seed `zoho-flow-api.md`, section "API Call Limits"."""

    FREE = "free", "Free"
    STANDARD = "standard", "Standard"
    PROFESSIONAL = "professional", "Professional"
    ENTERPRISE = "enterprise", "Enterprise"


class Product(models.TextChoices):
    FLOW = "flow", "Zoho Flow"
    CRM = "crm", "Zoho CRM"


class ZohoAccount(models.Model):
    """What a person said of a Zoho organisation. What Zoho says of itself stands in other tables."""

    name = models.CharField(max_length=100, unique=True)
    data_center = models.CharField(max_length=10, choices=DataCenter.choices)
    accounts_url = models.CharField(max_length=300)
    flow_url = models.CharField(max_length=300, blank=True)
    crm_url = models.CharField(max_length=300, blank=True)
    client_id = models.CharField(max_length=200)
    client_secret = EncryptedTextField()
    plan = models.CharField(max_length=20, choices=Plan.choices, blank=True)
    calls_per_minute = models.PositiveIntegerField(null=True, blank=True)
    calls_per_day = models.PositiveIntegerField(null=True, blank=True)
    is_active = models.BooleanField("mirrored", default=True)
    watches_records = models.BooleanField(default=False, help_text="Zoho CRM is asked to call back when records change")
    backfill_paused = models.BooleanField("reading of history paused", default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("account", args=[self.pk])


class ApiToken(models.Model):
    """The tokens of one account. Written by `monitor.connection.tokens` under its lease."""

    account = models.OneToOneField(ZohoAccount, on_delete=models.CASCADE, related_name="token")
    refresh_token = EncryptedTextField(blank=True)
    access_token = EncryptedTextField(blank=True)
    expires_at = models.DateTimeField(null=True)
    generation = models.PositiveIntegerField(default=0)
    refresh_owner = models.CharField(max_length=64, blank=True)
    refresh_lease_until = models.DateTimeField(null=True)
    refreshes = models.JSONField(default=list, help_text="when new access tokens were asked for, the last 10 minutes")
    throttled_until = models.DateTimeField(null=True)
    refused_code = models.CharField(max_length=64, blank=True)
    refused_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"tokens of account {self.account_id}"


class ApiBudget(models.Model):
    """What Zoho's headers said of its limits. Written by `monitor.connection.budget`."""

    account = models.OneToOneField(ZohoAccount, on_delete=models.CASCADE, related_name="budget")
    day_limit_seen = models.PositiveIntegerField(null=True)
    remaining_seen = models.IntegerField(null=True)
    reset_at_seen = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)
    blocked_until = models.DateTimeField(null=True)
    blocked_reason = models.CharField(max_length=200, blank=True)
    failures_in_row = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"budget of account {self.account_id}"


class ApiCall(models.Model):
    """One call to a Zoho API. The rolling limits are judged from these rows, across all processes.

    A slot is free again 60 s after the *answer* came (or after the call was given up): Zoho counts on
    arrival, which lies between our two times, so counting from the sending would be early.
    """

    account = models.ForeignKey(ZohoAccount, on_delete=models.CASCADE, related_name="calls")
    product = models.CharField(max_length=4, choices=Product.choices)
    method = models.CharField(max_length=6)
    path = models.CharField(max_length=200)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["account", "started_at"], name="apicall_account_started"),
            models.Index(fields=["account", "finished_at"], name="apicall_account_finished"),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"
