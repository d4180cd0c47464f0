"""Shared by all settings: names, networks, strict models, and the report of mistakes."""
