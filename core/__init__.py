"""The domain: alerts, incidents, evidence, policy and approvals. Standard library and pydantic only, no I/O."""
