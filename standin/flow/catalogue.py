"""Lists the flows that the invented organisation has, and the apps they join."""

from dataclasses import dataclass

# How often a template runs over the day: `office` hours, a `shop` that never closes, or by the clock.
OFFICE, SHOP, HOURLY, DAILY = "office", "shop", "hourly", "daily"


@dataclass(frozen=True, slots=True)
class FlowTemplate:
    """Holds one kind of flow; `weight` shares out the runs, `role` marks the flows that a story needs."""

    name: str
    description: str
    trigger: tuple[str, str, str, str]  # type, app, module, event
    actions: tuple[tuple[str, str], ...]  # app, action
    weight: float
    median_ms: int
    shape: str = OFFICE
    role: str = ""
    transient_share: float = 0.014
    permanent_share: float = 0.007


T = FlowTemplate
FLOWS = (
    T("Invoices to Zoho Books", "Closed deals become invoices", ("webhook", "zohocrm", "Deals", "update"),
      (("zohocrm", "search_record"), ("zohobooks", "create_invoice"), ("gmail", "send_email")),
      0.75, 3200, role="sick", transient_share=0, permanent_share=0),
    T("Hourly stock levels to the shop", "Stock of the warehouse to the web shop",
      ("schedule", "zohoinventory", "", "hourly"),
      (("zohoinventory", "list_items"), ("shopify", "update_item_stock")), 2.6, 5200, HOURLY, role="silent"),
    T("Leads to Mailchimp audience", "New leads join the newsletter list",
      ("webhook", "zohocrm", "Leads", "create"),
      (("mailchimp", "add_subscriber"),), 1.2, 1400, role="broken"),
    T("Old partner portal sync", "Replaced by the new portal, kept for reference",
      ("polling", "zohocrm", "Contacts", "get_new_records"),
      (("custom", "http_request"),), 0.5, 2100, role="inactive"),
    T("Lead routing by region", "Scores a lead and gives it to the right team",
      ("webhook", "zohocrm", "Leads", "create"),
      (("custom", "custom_function"), ("zohocrm", "update_record"), ("slack", "send_message")), 1.7, 2600),
    T("Orders to the warehouse", "Paid orders are picked and packed",
      ("webhook", "shopify", "", "order_created"),
      (("zohoinventory", "update_item_stock"), ("shipstation", "create_shipment")), 2.1, 7800, SHOP),
    T("Order confirmation mails", "Thanks the buyer", ("webhook", "shopify", "", "order_created"),
      (("gmail", "send_email"),), 2.1, 900, SHOP),
    T("Ticket triage", "Reads a ticket and sets department and priority",
      ("webhook", "zohodesk", "", "ticket_created"),
      (("custom", "custom_function"), ("zohodesk", "update_ticket"), ("zohodesk", "assign_ticket")), 1.6, 3900),
    T("Payments to the ledger", "Card payments are booked", ("webhook", "stripe", "", "charge_succeeded"),
      (("zohobooks", "record_payment"),), 1.5, 1800, SHOP),
    T("Legacy ERP hand-over", "Orders to a server that is often busy", ("webhook", "zohocrm", "Deals", "create"),
      (("custom", "http_request"),), 1.1, 11800, role="flaky", transient_share=0.11, permanent_share=0.002),
    T("Nightly price list", "Prices from the sheet to the catalogue", ("schedule", "googlesheets", "", "daily"),
      (("googlesheets", "read_rows"), ("zohoinventory", "update_item")), 0.1, 148_000, DAILY),
    T("Signed quotes to deals", "A signed quote moves its deal on", ("webhook", "zohosign", "", "signed"),
      (("zohocrm", "update_record"), ("slack", "send_message")), 0.7, 1700),
    T("Refunds above 500 to finance", "A person looks at large refunds",
      ("webhook", "stripe", "", "charge_refunded"),
      (("custom", "condition"), ("slack", "send_message")), 0.4, 1200, SHOP),
    T("New hires to accounts", "A new colleague gets accounts and a desk",
      ("webhook", "zohopeople", "Employees", "create"),
      (("zohomail", "create_account"), ("jira", "create_issue"), ("slack", "send_message")), 0.35, 9400),
    T("Survey answers to CRM", "Scores are kept with the contact", ("webhook", "zohosurvey", "", "response"),
      (("zohocrm", "search_record"), ("zohocrm", "update_record")), 1.0, 2200),
    T("Webinar guests to campaign", "Guests get the recording", ("polling", "zohocrm", "Contacts", "get_new_records"),
      (("zohocampaigns", "add_contact"),), 0.8, 1500),
    T("Overdue invoices reminder", "A friendly mail, then a task", ("schedule", "zohobooks", "", "daily"),
      (("zohobooks", "list_invoices"), ("gmail", "send_email"), ("zohocrm", "create_record")), 0.1, 64_000, DAILY),
    T("Bug reports to Jira", "Tickets tagged as a fault become issues", ("webhook", "zohodesk", "", "ticket_updated"),
      (("jira", "create_issue"), ("zohodesk", "add_comment")), 0.9, 3100),
    T("Contacts to support desk", "The desk knows whom it talks to", ("webhook", "zohocrm", "Contacts", "update"),
      (("zohodesk", "update_contact"),), 1.4, 1300),
    T("Lost deals to review board", "One card a lost deal", ("webhook", "zohocrm", "Deals", "update"),
      (("trello", "create_card"),), 0.5, 1600),
    T("Exchange rates", "Rates of the day into Books", ("schedule", "custom", "", "hourly"),
      (("custom", "http_request"), ("zohobooks", "update_currency")), 2.6, 2400, HOURLY),
    T("Supplier mails to drive", "Attachments are filed", ("polling", "gmail", "", "get_new_mail"),
      (("googledrive", "upload_file"),), 1.1, 6100),
    T("Project kick-off", "A won deal becomes a project", ("webhook", "zohocrm", "Deals", "update"),
      (("zohoprojects", "create_project"), ("slack", "send_message")), 0.5, 5600),
    T("Daily sales digest", "Yesterday in five lines", ("schedule", "zohoanalytics", "", "daily"),
      (("zohoanalytics", "run_report"), ("slack", "send_message")), 0.1, 41_000, DAILY),
)  # fmt: skip
SUFFIXES = ("EU", "India", "APAC", "North America", "Wholesale", "Retail", "Test", "Partner")

APP_NAMES = {
    "zohocrm": "Zoho CRM", "zohobooks": "Zoho Books", "zohodesk": "Zoho Desk", "zohocampaigns": "Zoho Campaigns",
    "zohoinventory": "Zoho Inventory", "zohoprojects": "Zoho Projects", "zohosign": "Zoho Sign",
    "zohopeople": "Zoho People", "zohomail": "Zoho Mail", "zohosurvey": "Zoho Survey",
    "zohoanalytics": "Zoho Analytics", "gmail": "Gmail", "slack": "Slack", "mailchimp": "Mailchimp",
    "shopify": "Shopify", "stripe": "Stripe", "shipstation": "ShipStation", "jira": "Jira", "trello": "Trello",
    "googlesheets": "Google Sheets", "googledrive": "Google Drive", "custom": "the HTTP endpoint",
}  # fmt: skip


def template(index: int) -> tuple[FlowTemplate, str]:
    """Returns the template and the full name of the flow at `index`; past the end names repeat with a suffix."""
    chosen = FLOWS[index % len(FLOWS)]
    lap = index // len(FLOWS)
    if lap == 0:
        return chosen, chosen.name
    suffix = SUFFIXES[(lap - 1) % len(SUFFIXES)]
    again = f" {1 + (lap - 1) // len(SUFFIXES)}" if lap > len(SUFFIXES) else ""
    return chosen, f"{chosen.name} ({suffix}{again})"
