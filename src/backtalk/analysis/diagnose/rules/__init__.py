"""The rules: each reads measurements and returns findings. There is one file for each group."""
