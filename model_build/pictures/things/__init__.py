"""The things that stand on the table, each a solid made of signed distances."""
