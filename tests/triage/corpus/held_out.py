"""Causes of failures that were written before the first rule ran, and that no rule was changed for.

The form is that of `tests.triage.corpus.tuned`.
"""

CAUSES = """
Zoho CRM | Create Deal | ACTION_FAILED | Pipeline stage "{name}" is not part of layout {id} |
Zoho CRM | Create Deal | ACTION_FAILED | Owner {{email}} is inactive since {date} |
Zoho CRM | Create Deal | ACTION_FAILED | Account {{name}} is blocked for new deals |
Zoho CRM | Create Deal | ACTION_FAILED | Account {{name}} is waiting for approval |
Zoho CRM | Upload File | ACTION_FAILED | {file} has {size}, more than the {size} that are left |
Zoho CRM | Update Contact | INVALID_DATA | invalid data | {"code":"INVALID_DATA","details":{"api_name":"Birthday","expected_data_type":"date"},"message":"invalid data","status":"error"}
Zoho CRM | Update Contact | INVALID_DATA | invalid data | {"code":"INVALID_DATA","details":{"api_name":"Mobile","maximum_length":{n}},"message":"invalid data","status":"error"}
Zoho CRM | Mass Mail | LIMIT_EXCEEDED | Daily limit of mails reached: {n} of {n} sent by {email} |
Zoho Books | Create Bill | ACTION_FAILED | Bill {inv} is dated {date}, which lies in a closed period |
Zoho Books | Create Bill | ACTION_FAILED | Exchange rate for {date} is missing |
Zoho Books | Create Bill | ACTION_FAILED | Line {n}: quantity {amount} is not in stock |
Zoho Books | Create Item | 1002 | Item {{name}} does not exist |
Zoho Books | Create Item | 1002 | Warehouse {{name}} is switched off |
Zoho Inventory | Ship | ACTION_FAILED | Shipment {rid} weighs {amount} kg, more than the carrier takes |
Zoho Inventory | Ship | ACTION_FAILED | Address of {{name}} has no postal code |
Zoho Sign | Send Document | ACTION_FAILED | Document {uuid} has expired at {time} |
Zoho Sign | Send Document | ACTION_FAILED | Document {uuid} was declined by {email} |
Zoho People | Add Leave | ACTION_FAILED | {{name}} has only {n} days of leave left, asked were {n} |
Zoho Projects | Create Task | ACTION_FAILED | Project {id} is archived |
Zoho Projects | Create Task | ACTION_FAILED | Milestone {id} ends before it begins: {date} |
Webhook | PUT | ACTION_FAILED | The server answered with status code 409 in {dur} |
Webhook | PUT | ACTION_FAILED | The server answered with status code 422 in {dur} |
Webhook | PUT | ACTION_FAILED | {"error":"invalid_grant","error_description":"Token {rid} is no longer valid"} |
Webhook | PUT | ACTION_FAILED | {"error":"invalid_client","error_description":"Client {rid} is unknown"} |
Webhook | PUT | ACTION_FAILED | Host {host} cannot be resolved |
Webhook | PUT | ACTION_FAILED | Too many redirects from {url} |
Webhook | PUT | ACTION_FAILED | Body of {size} is larger than allowed |
Webhook | PUT | ACTION_FAILED | TLS handshake with {ipport} failed: certificate has expired |
Webhook | PUT | ACTION_FAILED | TLS handshake with {ipport} failed: unknown authority |
Database | Query | ACTION_FAILED | could not connect to server {ip}, port {n} |
Database | Query | ACTION_FAILED | deadlock detected: process {n} waits for process {n} |
Database | Query | ACTION_FAILED | ERROR 1062 (23000): Duplicate entry '{id}' for key 'PRIMARY' |
Database | Query | ACTION_FAILED | ERROR 1146 (42000): Table '{word}.{word}' is not there |
Custom Function | Run | CUSTOM_FUNCTION_FAILED | Access to index {n} of a list with {n} elements at line {n} |
Custom Function | Run | CUSTOM_FUNCTION_FAILED | Function took longer than {dur} |
Telegram | Send | ACTION_FAILED | Bad Request: chat {n} not found |
Telegram | Send | ACTION_FAILED | Too Many Requests: retry after {n} |
Mailer | Send | ACTION_FAILED | 421 4.7.0 Try again later, {ip} sends too much |
Mailer | Send | ACTION_FAILED | 554 5.7.1 Message from {ip} looks like spam |
Mapper | Map | ACTION_FAILED | Cannot parse "{date}" as a number |
Mapper | Map | ACTION_FAILED | Cannot parse "{word}" as a date |
Mapper | Map | ACTION_FAILED | ${trigger.{word}} is empty in step {n} |
"""
