"""Stores Zoho accounts, their tokens (ciphertext only), and the ledger of calls."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_noop

from monitor.models.addresses import address_of
from monitor.vault import EncryptedTextField

MOST_CALLS = 10_000_000  # a minute or a day, that a person may set
MOST_CREDITS = 100_000_000  # of CRM a day; no edition has more
MOST_AT_ONCE = 1_000  # calls of CRM; no edition has more


class DataCenter(models.TextChoices):
    US = "us", gettext_noop("United States (zoho.com)")
    EU = "eu", gettext_noop("Europe (zoho.eu)")
    IN = "in", gettext_noop("India (zoho.in)")
    AU = "au", gettext_noop("Australia (zoho.com.au)")
    JP = "jp", gettext_noop("Japan (zoho.jp)")
    CA = "ca", gettext_noop("Canada (zohocloud.ca)")
    CN = "cn", gettext_noop("China (zoho.com.cn)")
    SA = "sa", gettext_noop("Saudi Arabia (zoho.sa)")
    UK = "uk", gettext_noop("United Kingdom (zoho.uk)")
    AE = "ae", gettext_noop("United Arab Emirates (zoho.ae)")
    CUSTOM = "custom", gettext_noop("Custom URLs")


class Plan(models.TextChoices):
    """Names the plans of Zoho Flow; their limits: docs/reference/zoho-flow.md, "Plans and limits"."""

    FREE = "free", gettext_noop("Free")
    STANDARD = "standard", gettext_noop("Standard")
    PROFESSIONAL = "professional", gettext_noop("Professional")
    ENTERPRISE = "enterprise", gettext_noop("Enterprise")


class Product(models.TextChoices):
    FLOW = "flow", "Zoho Flow"
    CRM = "crm", "Zoho CRM"


class ZohoAccount(models.Model):
    """Holds what a person said of a Zoho organisation. What Zoho says of itself stands in other tables."""

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
    crm_credits_per_day = models.PositiveIntegerField(null=True, blank=True)
    crm_calls_at_once = models.PositiveIntegerField(null=True, blank=True)
    is_active = models.BooleanField("mirrored", default=True)
    watches_records = models.BooleanField(default=False, help_text="Zoho CRM is asked to call back when records change")
    backfill_paused = models.BooleanField("reading of history paused", default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return address_of("account", self.pk)


class Organisation(models.Model):
    """Holds which of Zoho's organisations an account mirrors, as Zoho calls it. Written by `monitor.connection`.

    The `other_` columns say what the account's grant answered for when it was last seen to be another one: while
    `other_at` is set nothing is mirrored.
    """

    account = models.OneToOneField(ZohoAccount, on_delete=models.CASCADE, related_name="organisation")
    zgid = models.CharField(max_length=64, blank=True)
    org_id = models.CharField(max_length=64, blank=True, help_text="CRM's own id of the organisation")
    name = models.CharField(max_length=200, blank=True)
    kind = models.CharField(max_length=20, blank=True, help_text="production, sandbox, or another word of Zoho's")
    time_zone = models.CharField(max_length=64, blank=True, help_text="of tz database; times without offset are its")
    seen_at = models.DateTimeField(null=True, help_text="when the account's grant last answered for it")
    other_id = models.CharField(max_length=64, blank=True)
    other_name = models.CharField(max_length=200, blank=True)
    other_kind = models.CharField(max_length=20, blank=True)
    other_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name or self.shown_id

    @property
    def shown_id(self) -> str:
        """Returns the id that Zoho's own pages show; CRM's where there is none."""
        return self.zgid or self.org_id


class ApiToken(models.Model):
    """Holds the tokens of one account. Written by `monitor.connection.tokens` under its lease."""

    account = models.OneToOneField(ZohoAccount, on_delete=models.CASCADE, related_name="token")
    refresh_token = EncryptedTextField(blank=True)
    access_token = EncryptedTextField(blank=True)
    expires_at = models.DateTimeField(null=True)
    generation = models.PositiveIntegerField(default=0)
    granted = models.TextField(blank=True, help_text="the scopes, as Zoho named them; empty where it did not")
    refresh_owner = models.CharField(max_length=64, blank=True)
    refresh_lease_until = models.DateTimeField(null=True)
    refreshes = models.JSONField(default=list, help_text="when new access tokens were asked for, the last 10 minutes")
    throttled_until = models.DateTimeField(null=True)
    refused_code = models.CharField(max_length=64, blank=True)
    refused_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"tokens of account {self.account_id}"


class ApiBudget(models.Model):
    """Holds what Zoho said of one product's limits, and until when it asked to be left alone.

    Written by `monitor.connection`. Flow and CRM count apart at Zoho, so each has a row of its own: a 429 of
    one says nothing of the other.
    """

    account = models.ForeignKey(ZohoAccount, on_delete=models.CASCADE, related_name="budgets")
    product = models.CharField(max_length=4, choices=Product.choices, default=Product.FLOW)
    day_limit_seen = models.PositiveIntegerField(null=True)
    remaining_seen = models.IntegerField(null=True)
    reset_at_seen = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)
    blocked_until = models.DateTimeField(null=True)
    blocked_reason = models.CharField(max_length=200, blank=True)
    failures_in_row = models.PositiveIntegerField(default=0)
    edition = models.CharField(max_length=64, blank=True, help_text="of the CRM organisation, as Zoho spells it")
    users = models.PositiveIntegerField(null=True, help_text="licences of the CRM organisation")
    edition_read_at = models.DateTimeField(null=True, help_text="when the organisation was last asked for")
    tally = models.JSONField(default=dict, help_text="the ledger's closed slots, added up")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "product"], name="one_budget_per_product")]

    def __str__(self) -> str:
        return f"{self.product} budget of account {self.account_id}"


class ApiCall(models.Model):
    """Records one call to a Zoho API. The rolling limits are computed from these rows, across all processes.

    `kind` says what it was for: the lists that tell what moved, the history of before we came, what a person
    waits for, or anything else.

    A slot is free again 60 s after the *answer* came (or after the call was given up): Zoho counts on
    arrival, which lies between our two times, so counting from the sending would be early.
    """

    class Kind(models.TextChoices):
        LIST = "list", "List"
        HISTORY = "history", "History"
        PEOPLE = "people", "For a person"
        OTHER = "other", "Other"

    account = models.ForeignKey(ZohoAccount, on_delete=models.CASCADE, related_name="calls", db_index=False)
    product = models.CharField(max_length=4, choices=Product.choices)
    method = models.CharField(max_length=6)
    path = models.CharField(max_length=200)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.OTHER)
    credits = models.PositiveSmallIntegerField(default=1)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["account", "product", "started_at"], name="apicall_product_started"),
            models.Index(fields=["account", "product", "finished_at"], name="apicall_product_finished"),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"
