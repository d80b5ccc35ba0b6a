"""The worker: claims jobs, has them run in child processes, and records what became of them."""
