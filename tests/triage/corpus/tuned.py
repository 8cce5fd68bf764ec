"""Causes of failures that the rules were tuned on: one line a cause, in the words of Zoho, of apps and of computers.

A line holds app, action, code, message and details, parted by ` | `. `{id}` is a slot of `tests.triage.corpus.slots`;
a slot in double braces, such as `{{name}}`, is a value of the run's own trigger data as well.
"""

CAUSES = """
Zoho CRM | Create Lead | MANDATORY_NOT_FOUND | required field not found | {"code":"MANDATORY_NOT_FOUND","details":{"api_name":"Last_Name"},"message":"required field not found","status":"error"}
Zoho CRM | Create Lead | MANDATORY_NOT_FOUND | required field not found | {"code":"MANDATORY_NOT_FOUND","details":{"api_name":"Company"},"message":"required field not found","status":"error"}
Zoho CRM | Create Lead | INVALID_DATA | invalid data | {"code":"INVALID_DATA","details":{"expected_data_type":"email","api_name":"Email","value":"{word}"},"message":"invalid data","status":"error"}
Zoho CRM | Update Deal | INVALID_DATA | invalid data | {"data":[{"code":"INVALID_DATA","details":{"expected_data_type":"bigint","api_name":"Amount","json_path":"$.data[{n}].Amount"},"message":"invalid data","status":"error"}]}
Zoho CRM | Update Deal | INVALID_DATA | the id given seems to be invalid | {"code":"INVALID_DATA","details":{"id":"{id}"},"message":"the id given seems to be invalid","status":"error"}
Zoho CRM | Create Contact | DUPLICATE_DATA | duplicate data | {"code":"DUPLICATE_DATA","details":{"api_name":"Email","id":"{id}"},"message":"duplicate data","status":"error"}
Zoho CRM | Create Contact | DUPLICATE_DATA | duplicate data | {"code":"DUPLICATE_DATA","details":{"api_name":"Phone","id":"{id}"},"message":"duplicate data","status":"error"}
Zoho CRM | Fetch Record | ACTION_FAILED | Record {id} was not found in module Leads |
Zoho CRM | Fetch Record | ACTION_FAILED | Record {id} was not found in module Deals |
Zoho CRM | Update Record | ACTION_FAILED | The record {{name}} is locked by another user since {time} |
Zoho CRM | Convert Lead | ACTION_FAILED | Lead "{name}" has already been converted on {date} |
Zoho CRM | Search | LIMIT_EXCEEDED | {n} of {n} API credits are used; the limit renews at {time} |
Zoho CRM | Bulk Update | ACTION_FAILED | {n} of {n} records could not be updated |
Zoho CRM | Create Task | OAUTH_SCOPE_MISMATCH | invalid oauth scope to access this URL | {url}
Zoho CRM | Create Note | AUTHENTICATION_FAILURE | Authentication failed | request id {uuid}
Zoho CRM | Update Deal | NO_PERMISSION | permission denied to update deal {id} for user {email} |
Zoho CRM | Update Deal | PATTERN_NOT_MATCHED | The value {phone} does not match the pattern of the field Phone |
Zoho CRM | Add Tag | ACTION_FAILED | Tag '{name}' is longer than 25 characters |
Zoho Books | Create Invoice | 3001 | Invoice {inv} could not be created: tax '{name}' does not exist |
Zoho Books | Create Invoice | 1001 | Customer {{name}} has exceeded the credit limit of {amount} |
Zoho Books | Record Payment | ACTION_FAILED | The amount {amount} is more than the balance due of {amount} |
Zoho Books | Create Invoice | ACTION_FAILED | Invoice {inv} was rejected by the server (code 3001) |
Zoho Books | Create Invoice | ACTION_FAILED | Invoice {inv} was rejected by the server (code 3062) |
Zoho Books | Create Estimate | 57 | You are not authorized to perform this operation |
Zoho Desk | Create Ticket | ACTION_FAILED | Department {id} is disabled |
Zoho Desk | Add Comment | INVALID_OAUTH | The OAuth Token you provided is invalid. | {"errorCode":"INVALID_OAUTH","message":"The OAuth Token you provided is invalid."}
Zoho Desk | Add Attachment | ACTION_FAILED | File {file} is too large: {size}, allowed are 20 MB |
Zoho Campaigns | Add Subscriber | ACTION_FAILED | Failed to create contact in Campaigns | Invalid email format
Zoho Campaigns | Add Subscriber | ACTION_FAILED | Failed to create contact in Campaigns | Contact {email} has unsubscribed on {date}
Zoho Mail | Send Mail | ACTION_FAILED | SMTP 550 5.1.1 <{email}>: recipient rejected |
Zoho Mail | Send Mail | ACTION_FAILED | SMTP 550 5.7.1 <{email}>: relaying denied |
Zoho Mail | Send Mail | ACTION_FAILED | SMTP 452 4.2.2 <{email}>: mailbox full |
Webhook | POST | ACTION_FAILED | HTTP 502 from {url} after {dur} |
Webhook | POST | ACTION_FAILED | HTTP 503 from {url} after {dur} |
Webhook | POST | ACTION_FAILED | HTTP 404 from {url} after {dur} |
Webhook | POST | ACTION_FAILED | Connection to {ipport} refused |
Webhook | POST | ACTION_FAILED | Connection to {ipport} timed out after {dur} |
Webhook | POST | ACTION_FAILED | <html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center><hr>nginx/{ver}</body></html> |
Webhook | POST | ACTION_FAILED | certificate of {host} expired on {date} |
Webhook | POST | ACTION_FAILED | {"status":"error","message":"Signature does not match","requestId":"{uuid}"} |
Webhook | Parse | ACTION_FAILED | Unexpected token < in JSON at position {n} |
Webhook | Parse | ACTION_FAILED | 'utf-8' codec can't decode byte 0x{hh} in position {n} |
Webhook | Parse | ACTION_FAILED | file {file} is encoded in iso-8859-1, expected utf-8 |
Webhook | Parse | ACTION_FAILED | file {file} is encoded in utf-16, expected utf-8 |
Custom Function | Run | CUSTOM_FUNCTION_FAILED | Value is empty and 'toNumber' function cannot be applied at line {n} |
Custom Function | Run | CUSTOM_FUNCTION_FAILED | Error at line number {n}: Divide by zero |
Custom Function | Run | CUSTOM_FUNCTION_FAILED | Statement limit of {n} exceeded at line {n}, column {n} |
Custom Function | Run | CUSTOM_FUNCTION_FAILED | TypeError: list index {n} out of range (line {n}) |
Database | Insert | ACTION_FAILED | ORA-00942: table or view does not exist (session {n}) |
Database | Insert | ACTION_FAILED | ORA-00001: unique constraint violated (session {n}) |
Database | Insert | ACTION_FAILED | SQLSTATE[23000]: duplicate entry '{name}' for key PRIMARY |
Database | Insert | ACTION_FAILED | MySQL error 1205: lock wait timeout exceeded after {dur} |
Database | Insert | ACTION_FAILED | MySQL error 1045: access denied for user '{login}'@'{ip}' |
Slack | Send Message | ACTION_FAILED | channel_not_found | {"ok":false,"error":"channel_not_found","channel":"{rid}"}
Slack | Send Message | ACTION_FAILED | token_revoked | {"ok":false,"error":"token_revoked","channel":"{rid}"}
Google Sheets | Append Row | ACTION_FAILED | Range {file}!A{n}:D{n} exceeds grid limits |
Google Sheets | Append Row | ACTION_FAILED | Spreadsheet {rid} has been moved to the bin |
Google Drive | Upload | ACTION_FAILED | No space left: {size} of {size} used ({pct}) |
Stripe | Charge | ACTION_FAILED | Your card was declined for {amount} on {date} | {"error":{"type":"card_error","charge":"ch_{rid}","decline_code":"insufficient_funds"}}
Stripe | Charge | ACTION_FAILED | Your card was declined for {amount} on {date} | {"error":{"type":"card_error","charge":"ch_{rid}","decline_code":"expired_card"}}
SFTP | Upload | ACTION_FAILED | Permission denied: {path} |
SFTP | Upload | ACTION_FAILED | No such file or directory: {path} |
Java | Call | ACTION_FAILED | java.net.SocketTimeoutException: Read timed out after {dur} at com.example.Client.send(Client.java:{n}) |
Java | Call | ACTION_FAILED | java.lang.NullPointerException at com.example.Client.send(Client.java:{n}) |
"""
