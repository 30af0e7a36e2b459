"""A small metrics store that scrapes the shop and answers a subset of Prometheus' HTTP API."""
