"""Alert rules, their evaluation, and notices in the shape of Alertmanager's webhook."""
