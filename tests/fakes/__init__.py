"""Stand-ins for what lies outside: in-memory ports held to the contract suites, and real servers as fixtures."""
