"""What tests of all areas share: folders of their own, free ports, real processes, a sample recording."""
