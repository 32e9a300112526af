"""What a middleware costs a request: applications called in process, with and without, in turns."""
