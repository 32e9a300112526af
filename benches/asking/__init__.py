"""What the command line costs, beside other programs that are asked the same of the same files."""
