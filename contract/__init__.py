"""What all parts of the project must agree on: names, the manifest, preprocessing, and when an answer is right.

Standard library alone, for Python 3.8 and newer, so that Triton's pods run it as it is; only `contract.pictures` needs
NumPy and Pillow. It imports nothing else of the project.
"""
