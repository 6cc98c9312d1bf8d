"""Proof that a URL serves an image classifier, and that it answers rightly.

These tests know a URL, a model's name, what is expected and perhaps a manifest, and nothing of how the server
came to be::

    pytest smoke_tests --url http://127.0.0.1:8800/dev --model efficientnet_lite0 --manifest manifest.json

Without a manifest the model itself is asked what pictures it takes, so that any classifier at any URL can be judged.

They end with status 0 (proven), 1 (a wrong answer), 4 (an option that can't be used), 5 (no test was run), 7 (the URL
is not reached, however long ``--await-s`` has waited for it) or 8 (turned away at its door: 401, 403, 407, 429, or sent
elsewhere); the last two say in one line why. ``pytest smoke_tests --help`` lists the options. What was measured (scores
against golden, latencies) are properties of the tests in a report that ``--junit-xml=FILE`` asks for.
"""
