"""One module per wire protocol; a provider is a module of a few functions."""
