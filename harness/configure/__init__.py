"""Hydra → Settings: what is asked becomes typed, checked values, or a list of mistakes."""
