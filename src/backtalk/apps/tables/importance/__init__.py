"""Which columns matter: to a run as a whole, and to the prediction of one row.

values.py         what the inputs of a column say: its number, date or category
measures.py       the loss of each row, by which a column is judged
permutation.py    how much worse the networks get if a column's cells are shuffled
copies.py         columns that are near copies of each other
dependence.py     how the prediction changes with a column
of_run.py         all of these, of a trained run
words.py          on which columns a run depends, in words
integrated.py     integrated gradients of a network, and the check of their sum
explained.py      what is explained of a prediction: log-odds, or a number
mean_input.py     the mean of the training rows, beside which predictions are explained
contributions.py  what each column contributes to the predictions of rows
"""
