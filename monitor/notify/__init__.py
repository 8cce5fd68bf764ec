"""Turns transitions into mails to people.

`dispatch` claims new transitions and writes one Delivery per recipient in the same database transaction;
`send` claims due deliveries and hands each to the mail server, at least once, always under the same
Message-ID. `smtp_answers` decides what follows from what the server answers (pure), `facts` loads what a mail says,
`render` and `message` put it into text, HTML and headers, `words` makes untrusted text fit to be mailed (pure).
"""
