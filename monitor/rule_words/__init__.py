"""Says what workflow rules do in sentences that people read, and reads such sentences back. Pure.

`say` writes, `read_back` reads, `unsaid` finds what a sentence leaves out; `vocabulary` holds the words for everything
that Zoho documents, `failure_reasons` those for failed webhooks. Zoho's spellings stand in `monitor/zoho` and here.
"""
