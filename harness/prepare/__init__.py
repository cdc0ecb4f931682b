"""Samples → requests: a pure map over the dataset, streamed into batches."""
