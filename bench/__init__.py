"""What the product costs in seconds: its budgets, measured on the machine at hand."""
