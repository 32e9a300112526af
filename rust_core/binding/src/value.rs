//! Python values in their compact form.
