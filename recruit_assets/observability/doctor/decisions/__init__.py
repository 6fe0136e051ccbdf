"""What is right and what is wrong. Pure functions of what was read."""
