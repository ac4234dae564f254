"""The lab: one page on loopback with the real engine behind it. Imported by ``backtalk lab``, and by nothing else.

datasets.py       the examples to choose from: built in, generated, the user's own
given.py          the network and the data that the command line names
upload.py         a file that the page sends, as such examples; how large and how far out they may be
readers.py        the processes in which that happens
settings.py       what a configure message asks for, checked; address.py: what an address asks for
trainer.py        a network in training, one step at a time or some
payloads.py       what a frame holds, as bytes; pictures.py: heat maps and histograms, while they are shown
slides.py         one step as a talk, slide by slide; slide_message.py: a slide for the page
answers.py        derivations and findings, as messages; advice.py: for the controls of the page
exercises.py      exercise sheets without their key, and marks for answers
greeting.py       what there is to choose from, for the page
compare/          two networks side by side
lesson/           recorded steps in one file that needs no server
session.py        what the server keeps for a tab, and for how long
live.py           the conversation over a WebSocket
security.py       the token, Host and Origin, the headers of every answer
app.py            the routes
serve.py          the port, the server and its timeouts, Ctrl-C
"""
