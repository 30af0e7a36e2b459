"""What is served over HTTP: health, alert webhooks, Slack's HTTP mode and the timeline page."""
