"""The only place that waits and decides."""
