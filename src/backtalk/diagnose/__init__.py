"""What is wrong with a network, in words with the numbers behind them."""
