"""Images: from messages and files to pixels, changes of them, and back to files. OpenCV does the work."""
