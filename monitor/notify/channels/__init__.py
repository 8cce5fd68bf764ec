"""Notifies channels beside mail: chats, pagers and signed webhooks.

`services` lists what is offered and what each service's form asks for; `routing` says which notice goes to which
channel; `words` makes a short message of the facts that mails tell, `of_digest` one of a digest, `escape` makes it
harmless for a service (pure). `post` hands one message over: to a service through apprise in a short-lived process
(`child`, whose connections `guard` checks), to a signed webhook by `webhook`. `answers` says what follows from the
answer (pure), `fate` whether a message still goes there,
`send` claims what is due and marks what came of it, `probe` sends a test message, `acts` are what admins do.
"""
