"""Effects on other people's systems: framework-free async tools, and the guard that stands around all of them."""
