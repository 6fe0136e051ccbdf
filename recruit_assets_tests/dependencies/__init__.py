"""What the platform is made of (wheels, jars, programs), and which of it has a known vulnerability."""
