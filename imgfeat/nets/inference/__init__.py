"""Run a net over images: plan, engines, batches, precision, export."""
