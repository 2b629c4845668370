"""Other engines doing the routing path's work, each in its own way; they share no code with ours."""
