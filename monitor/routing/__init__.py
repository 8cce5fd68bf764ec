"""Says who hears of an alert, for the stages that ask: `decide` is pure, `read` loads what it goes by."""
