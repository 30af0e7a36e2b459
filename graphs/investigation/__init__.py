"""An alert or a question on its way: evidence, ranked causes, at most one proposed tool call, a report."""
