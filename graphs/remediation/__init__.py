"""One proposal on its way: plan, request, gate, execute, verify, and its rollback as a new request."""
