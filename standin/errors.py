"""Says why the organisation refuses something; each interface turns it into the envelope of its product."""


class RefusalError(Exception):
    """Says that the organisation does not grant a request."""

    def __init__(
        self,
        code: str,
        message: str,
        details: str | dict[str, object] = "",
        status: int = 400,
        *,
        under: str = "",
    ) -> None:
        """`code` and `status` as in the error tables of the documents.

        `under` names the list in which CRM wraps the errors of rows (docs/reference/zoho-crm.md, "Errors of CRM").
        """
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details
        self.status = status
        self.under = under
