"""The provider's bytes → results."""
