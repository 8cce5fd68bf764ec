"""Transitions → mails to people.

`dispatch` claims new transitions and writes one Delivery per recipient in the same database transaction;
`send` claims due deliveries and hands each to the mail server, at least once, always under the same
Message-ID. `outcomes` judges what the server said (pure), `facts` loads what a mail tells, `render` and
`message` put it into text, HTML and headers, `words` makes untrusted text fit to be mailed (pure).
"""
