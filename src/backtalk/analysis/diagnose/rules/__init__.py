"""The rules: each reads what was measured, and says what it finds. One file for each group."""
