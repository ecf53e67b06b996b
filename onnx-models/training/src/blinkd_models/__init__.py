"""Simulates, trains, judges and exports the networks of blinkd."""
