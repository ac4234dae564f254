"""Which training examples taught a network what: influence and scores of examples."""
