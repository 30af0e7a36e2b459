"""The rows that must outlive everything: SQL is the truth about who decided what and what was done."""
