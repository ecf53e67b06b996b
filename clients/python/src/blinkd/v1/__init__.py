"""Messages of blinkd.v1, generated from the repository's .proto files by tools/generate.py. Do not edit."""
