//! Python exceptions and stacks in their compact form.
