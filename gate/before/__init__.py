"""What is looked at before anything changes: the checkout, the preview, what a promotion may carry."""
