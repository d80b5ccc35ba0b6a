"""Decoding all messages of a block at once. How it works, in a minute:

1. A message type is **compiled** once (`compiling`) to a plan (`plan`): steps that move through a message,
   and columns that say what the steps found. All that can be known about alignment is known then
   (`alignment`, `flow`): values whose sizes are fixed become one step, a *run*, with constant offsets.
2. The **walk** (`walk`) takes a vector of cursors, one a message, through the steps. It reads only counts and
   lengths, and records positions: of each run, text and sequence. Lists of elements of different sizes are
   walked by rank: the first element of all messages, then the second of all that have one. Where few cursors
   are left, one by one is faster (`scalar`). Where all messages have the same shape, the walk of the first
   holds for all (`uniform`).
3. The **assembly** (`arrays`) copies the values of each leaf from the positions with a few calls
   (`scattered`, `elements`, `texts`) and makes Arrow arrays of them.

A message that does not fit is left out, and never disturbs the others (`block`).
"""
