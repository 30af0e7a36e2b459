"""Reading and changing what runs, over the supervisor's HTTP API."""
