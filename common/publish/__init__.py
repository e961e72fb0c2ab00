"""What is written for readers from the results: README, model cards, notebooks' outputs."""
