"""Reading a buffer at many places at once, and making Arrow arrays of what was read."""
