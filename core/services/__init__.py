"""Use cases: each takes ports, decides, and leaves every effect to them."""
