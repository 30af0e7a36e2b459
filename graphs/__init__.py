"""LangGraph only: how an investigation and a remediation go, step by step; saver and ports are passed in."""
