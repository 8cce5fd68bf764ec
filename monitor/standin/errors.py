"""Why the organisation refuses something; the API modules turn it into the envelope of their product."""


class RefusalError(Exception):
    """A request that the organisation does not grant."""

    def __init__(self, code: str, message: str, details: str | dict[str, object] = "", status: int = 400) -> None:
        """`code` and `status` as in the error tables of the documents."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details
        self.status = status
