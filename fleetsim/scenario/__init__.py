"""The scenario: one TOML file in, one frozen object out."""
