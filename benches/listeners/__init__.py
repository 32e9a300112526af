"""What a call costs beside others who listen: handlers, Sentry's SDK, OpenTelemetry's handler; `logging` itself beside it."""
