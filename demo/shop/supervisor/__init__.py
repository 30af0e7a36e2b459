"""The supervisor: it keeps the services as they are desired to be, and its ledger is the truth about what was done."""
