//! Places where encoded lines go.
