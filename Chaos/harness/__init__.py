"""The parts of chaos.py: what it starts, how it harms it, and how it judges the ledger."""
