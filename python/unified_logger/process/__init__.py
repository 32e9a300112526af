"""What happens once for the process: starting, reconfiguring, exiting and forking, and what runs as long as logging does."""
