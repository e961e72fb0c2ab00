"""What networks cost: time, memory, weights and multiply-adds."""
