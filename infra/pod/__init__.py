"""Scripts that run inside Triton's pods, in the serving image: the standard library of Python 3.8, and `contract`."""
