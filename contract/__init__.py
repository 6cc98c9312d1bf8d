"""What all parts must agree on."""
